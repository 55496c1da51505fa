// Knobs: every tunable on one line, with its default beside its randomised value.
//
//   #define RPC_KNOBS(KNOB)                                                          \
//     KNOB(int64_t, rpc_frame_bytes_max, 32 << 20, random.Between(1 << 20, 32 << 20), \
//          "bytes", "largest frame; a transaction must fit")
//   ORRERY_DEFINE_KNOBS(RpcKnobs, RPC_KNOBS);
//
// Columns: type (int64_t, bool, Duration, Ratio), name (unique over all groups, unit last),
// default, randomised value (an expression over `random`, a Random&, and `standard`, the default),
// unit, reason. A group is a plain struct: code takes `const RpcKnobs&` or reads
// env.knobs().Get<RpcKnobs>().name, which searches the few groups: hot code keeps the reference.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/base/status.h"
#include "core/base/time.h"

namespace orrery {

// One knob of a group, without its type.
struct KnobInfo {
  const char* name;
  const char* type;
  const char* unit;
  const char* reason;
  // Changes nothing on an error, whose message says what was expected.
  absl::Status (*parse)(void* group, std::string_view text);
  // Back to the default in one case of two, else to the randomised value.
  void (*randomise)(void* group, Random& random);
  std::string (*show)(const void* group);
};

namespace knobs_internal {

// Text forms: 123, -5; true, false; 250ms, 3s, 10us, 7ns (never negative); 1/20 (at most 1/1).
// Show gives the shortest form that parses back to the same value: 3s, not 3000ms; 1/20, not 2/40.
absl::Status Parse(std::string_view text, int64_t& out);
absl::Status Parse(std::string_view text, bool& out);
absl::Status Parse(std::string_view text, Duration& out);
absl::Status Parse(std::string_view text, Ratio& out);
std::string Show(int64_t value);
std::string Show(bool value);
std::string Show(Duration value);
std::string Show(Ratio value);

}  // namespace knobs_internal

// The knobs of one process or one simulated world: one instance of each group.
class KnobSet {
 public:
  KnobSet() = default;
  KnobSet(const KnobSet&) = delete;
  KnobSet& operator=(const KnobSet&) = delete;

  // Adds a group with its defaults. REQUIRES: not added before; no name of it is taken.
  template <class Group>
  void Add() {
    AddGroup(Group::Knobs(), std::make_shared<Group>());
  }

  // REQUIRES: added.
  template <class Group>
  const Group& Get() const {
    return *static_cast<const Group*>(FindGroup(Group::Knobs().data()));
  }

  // Sets one knob from text: "250ms". invalid_argument names the knob, the value and what was
  // expected, and for an unknown name the nearest that exists; nothing changes then.
  absl::Status Set(std::string_view name, std::string_view value);

  // The same from one argument of a command line: "rpc_frame_bytes_max=1048576".
  absl::Status SetFromText(std::string_view name_and_value);

  // Gives every knob its randomised value or, in one case of two, its default, each from a stream
  // of its own keyed by (seed, name): which knobs exist beside it shifts nothing. Knobs that were
  // Set keep that value, so it does not matter which call comes first.
  void Randomise(uint64_t seed);

  struct Value {
    const KnobInfo* info;
    std::string value;
    bool is_default;
  };
  // All knobs, sorted by name.
  std::vector<Value> List() const;

 private:
  struct Entry {
    std::span<const KnobInfo> infos;  // Its address names the group's type.
    std::shared_ptr<void> values;
    std::vector<std::string> defaults;
    std::vector<bool> was_set;
  };

  void AddGroup(std::span<const KnobInfo> infos, std::shared_ptr<void> values);
  const void* FindGroup(const KnobInfo* infos) const;
  std::string_view Nearest(std::string_view name) const;

  std::vector<Entry> groups_;
};

}  // namespace orrery

#define ORRERY_KNOB_FIELD(type, name, standard, randomised, unit, reason) type name{standard};

#define ORRERY_KNOB_INFO(type, name, standard_value, randomised, unit, reason)         \
  ::orrery::KnobInfo{                                                                  \
      #name,                                                                           \
      #type,                                                                           \
      unit,                                                                            \
      reason,                                                                          \
      [](void* group, std::string_view text) {                                         \
        return ::orrery::knobs_internal::Parse(text, static_cast<Self*>(group)->name); \
      },                                                                               \
      [](void* group, ::orrery::Random& random) {                                      \
        const type standard{standard_value};                                           \
        auto& value = static_cast<Self*>(group)->name;                                 \
        value = random.Chance(::orrery::OneIn(2)) ? standard : type{randomised};       \
      },                                                                               \
      [](const void* group) {                                                          \
        return ::orrery::knobs_internal::Show(static_cast<const Self*>(group)->name);  \
      }},

#define ORRERY_DEFINE_KNOBS(Group, LIST)                                      \
  struct Group {                                                              \
    using Self = Group;                                                       \
    LIST(ORRERY_KNOB_FIELD)                                                   \
    static std::span<const ::orrery::KnobInfo> Knobs() {                      \
      static constexpr ::orrery::KnobInfo infos[] = {LIST(ORRERY_KNOB_INFO)}; \
      return infos;                                                           \
    }                                                                         \
  }
