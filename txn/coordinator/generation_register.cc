// The acceptor's rules, the image of the durable file, and the steps of creation.
#include "txn/coordinator/generation_register.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/base/error_codes.h"
#include "core/base/hash.h"
#include "core/base/invariant.h"
#include "core/base/status.h"

namespace orrery {

namespace {

constexpr std::string_view kMagic = "ORRYREGI";
constexpr uint8_t kFormat = 1;
constexpr size_t kChecksumBytes = 8;

void Append(std::string& out, RegisterGeneration generation) {
  AppendFixed<uint64_t>(out, generation.counter);
  AppendFixed<uint64_t>(out, generation.id);
}

bool Read(ByteReader& reader, RegisterGeneration& generation) {
  return reader.ReadFixed64(generation.counter) && reader.ReadFixed64(generation.id);
}

}  // namespace

std::string GenerationRegister::Image() const {
  INVARIANT(state_ != RegisterState::kAbsent);
  std::string image(kMagic);
  AppendFixed<uint8_t>(image, kFormat);
  AppendFixed<uint8_t>(image, kFormat);
  AppendFixed<uint8_t>(image, static_cast<uint8_t>(state_));
  AppendFixed<uint64_t>(image, id_.high);
  AppendFixed<uint64_t>(image, id_.low);
  Append(image, read_generation_);
  Append(image, write_generation_);
  AppendPrefixed(image, value_);
  AppendFixed<uint64_t>(image, HashBytes(image));
  return image;
}

absl::StatusOr<GenerationRegister> GenerationRegister::FromImage(std::string_view image) {
  ByteReader reader(image);
  std::string_view magic;
  uint8_t written_by = 0;
  uint8_t minimum = 0;
  if (!reader.ReadBytes(kMagic.size(), magic) || magic != kMagic ||
      !reader.ReadFixed8(written_by) || !reader.ReadFixed8(minimum)) {
    return Error(ErrorCode::file_corrupt, "not the image of a coordinator's register");
  }
  if (minimum > kFormat) {
    return Error(ErrorCode::protocol_mismatch, "a coordinator's register of a newer format");
  }
  GenerationRegister result;
  uint8_t state = 0;
  uint64_t checksum = 0;
  std::string_view value;
  const bool complete = reader.ReadFixed8(state) && reader.ReadFixed64(result.id_.high) &&
                        reader.ReadFixed64(result.id_.low) &&
                        orrery::Read(reader, result.read_generation_) &&
                        orrery::Read(reader, result.write_generation_) &&
                        reader.ReadPrefixed(value) && reader.ReadFixed64(checksum);
  if (!complete || !reader.AtEnd() ||
      checksum != HashBytes(image.substr(0, image.size() - kChecksumBytes))) {
    return Error(ErrorCode::file_corrupt, "a coordinator's register does not match its checksum");
  }
  result.state_ = static_cast<RegisterState>(state);
  result.value_ = value;
  const bool known_state =
      result.state_ == RegisterState::kForming || result.state_ == RegisterState::kReady;
  if (!known_state || result.id_ == RegisterId{} || value.size() > kValueBytesMax ||
      result.write_generation_ > result.read_generation_) {
    return Error(ErrorCode::file_corrupt, "a coordinator's register holds what it never can");
  }
  return result;
}

absl::Status GenerationRegister::Form(RegisterId id) {
  INVARIANT(id != RegisterId{});
  if (state_ == RegisterState::kAbsent) {
    state_ = RegisterState::kForming;
    id_ = id;
  }
  return id_ == id ? absl::OkStatus() : Error(ErrorCode::file_exists);
}

absl::Status GenerationRegister::Seal(RegisterId id) {
  if (state_ == RegisterState::kAbsent) return Error(ErrorCode::file_not_found);
  if (id_ != id) return Error(ErrorCode::file_exists);
  state_ = RegisterState::kReady;
  return absl::OkStatus();
}

GenerationRegister::ReadAnswer GenerationRegister::Read(RegisterId id,
                                                        RegisterGeneration generation) {
  if (state_ != RegisterState::kReady || id_ != id) return {};
  const bool changed = generation > read_generation_;
  read_generation_ = std::max(read_generation_, generation);
  return {true, changed, read_generation_, write_generation_, value_};
}

GenerationRegister::WriteAnswer GenerationRegister::Write(RegisterId id,
                                                          RegisterGeneration generation,
                                                          std::string_view value) {
  INVARIANT(generation != RegisterGeneration{});
  INVARIANT(value.size() <= kValueBytesMax, value.size());
  if (state_ != RegisterState::kReady || id_ != id) return {};
  if (generation < read_generation_) return {true, false, false, read_generation_};
  const bool changed = write_generation_ != generation;
  INVARIANT(changed || value_ == value);  // A generation writes one value.
  if (changed) {
    read_generation_ = write_generation_ = generation;
    value_ = value;
  }
  return {true, changed, true, read_generation_};
}

FormingDecision NextFormingStep(std::span<const FormingAnswer> answers, RegisterId fresh_id) {
  RegisterId id;
  size_t silent = 0;
  size_t absent = 0;
  size_t forming = 0;
  size_t ready = 0;
  for (const FormingAnswer& answer : answers) {
    if (!answer.answered) {
      ++silent;
      continue;
    }
    if (answer.state == RegisterState::kAbsent) {
      ++absent;
      continue;
    }
    if (id != RegisterId{} && answer.id != id) return {FormingStep::kRefuse, {}};
    id = answer.id;
    (answer.state == RegisterState::kReady ? ready : forming) += 1;
  }
  if (silent > 0) return {FormingStep::kWait, id};
  if (ready == 0 && absent > 0) return {FormingStep::kForm, id == RegisterId{} ? fresh_id : id};
  if (forming > 0) return {FormingStep::kSeal, id};
  return {FormingStep::kDone, id};
}

}  // namespace orrery
