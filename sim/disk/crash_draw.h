// CrashDraw: which of the unsynced changes of one file, or of the names of a disk, survive a loss
// of power. DrawnCrash draws a mode per (crash, file), so that a crash leaves each of the shapes
// that real ones do: nothing, all, any subset of sectors, whole records without older ones, and a
// prefix whose last record is torn.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace orrery::sim {

enum class CrashMode : uint8_t {
  kLoseAll = 0,  // None survives.
  kKeepAll = 1,  // All survive.
  kSectors = 2,  // Each sector of each by a draw, at a ratio that is drawn too.
  kChanges = 3,  // Each change, whole, by a draw at a drawn ratio.
  kPrefix = 4,   // Those before a drawn one; of that one a prefix of its sectors.
};
inline constexpr size_t kCrashModes = 5;

// The share of each mode. REQUIRES of users: not all zero.
using CrashWeights = std::array<uint32_t, kCrashModes>;

// Only this one.
constexpr CrashWeights Only(CrashMode mode) {
  CrashWeights weights{};
  weights[static_cast<size_t>(mode)] = 1;
  return weights;
}

// Asked in order: Begin, then the rest. Changes are numbered from 0 in order of completion.
class CrashDraw {
 public:
  virtual ~CrashDraw() = default;
  // `changes` may be lost. REQUIRES: changes > 0.
  virtual void Begin(uint64_t changes) = 0;
  // Whether sector number `sector` of the `sectors` that change `change` touches survives.
  virtual bool SectorSurvives(uint64_t change, uint64_t sector, uint64_t sectors) = 0;
  // How many changes, from the first, have their effect on the size survive.
  virtual uint64_t SizesSurviving() = 0;
  // Whether bytes that survive make the file as long as they need, beyond those sizes.
  virtual bool SizeFollowsBytes() = 0;
};

class DrawnCrash final : public CrashDraw {
 public:
  // A pure function of `key` and the weights.
  DrawnCrash(const CrashWeights& weights, uint64_t key);

  CrashMode mode() const { return mode_; }

  void Begin(uint64_t changes) override;
  bool SectorSurvives(uint64_t change, uint64_t sector, uint64_t sectors) override;
  uint64_t SizesSurviving() override;
  bool SizeFollowsBytes() override;

  // Of a change that has no sectors: a name.
  bool ChangeSurvives(uint64_t change);

 private:
  bool Chance(uint64_t draw) const;  // At the drawn ratio.

  const uint64_t key_;
  CrashMode mode_ = CrashMode::kLoseAll;
  uint64_t sixteenths_ = 0;  // The ratio.
  uint64_t changes_ = 0;
  uint64_t cut_ = 0;  // Of kPrefix: the first change that does not survive whole.
};

}  // namespace orrery::sim
