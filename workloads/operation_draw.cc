// Which operations are drawn, and how often.
#include "workloads/operation_draw.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/fixed.h"
#include "storage/log/atomic_operations.h"

namespace orrery::workloads {
namespace {

constexpr size_t kKeyBytesMax = 10'000;  // Of the public interface; values: kValueBytesMax.

constexpr MutationType kAtomics[] = {
    MutationType::kAdd,          MutationType::kAnd,
    MutationType::kOr,           MutationType::kXor,
    MutationType::kMax,          MutationType::kMin,
    MutationType::kByteMin,      MutationType::kByteMax,
    MutationType::kAppendIfFits, MutationType::kCompareAndClear,
};

std::string DrawValue(Random& random) {
  const uint64_t length = random.Chance(OneIn(2)) ? 8 : random.Below(20);
  return std::string(length, static_cast<char>(random.Below(4)));
}

// Of the space, and exactly so long if it can be.
Key KeyOfSize(const KeyRange& space, size_t bytes) {
  Key key = space.begin;
  if (key.size() < bytes) key.resize(bytes, 'k');
  return key;
}

class Drawer {
 public:
  Drawer(Random& random, const TransactionModel& model, const DrawOptions& options)
      : random_(random), model_(model), options_(options) {}

  Operation Draw();

 private:
  Key AnyKey();
  KeyRange AnyRange();
  Operation::Selector AnySelector();
  void SetLimits(Operation& operation);
  Operation SelectedRange();
  Operation Atomic();
  Operation Stamped();
  Operation Mistake();
  Operation WriteMistake();
  Operation ReadMistake();
  Operation StampMistake();

  Random& random_;
  const TransactionModel& model_;
  const DrawOptions& options_;
};

Key Drawer::AnyKey() {
  if (!model_.view().empty() && random_.Chance(OneIn(3))) {
    auto row = model_.view().begin();
    std::advance(row, static_cast<ptrdiff_t>(random_.Below(model_.view().size())));
    const Key key = random_.Chance(OneIn(4)) ? KeyAfter(row->first) : row->first;
    if (key.size() < kKeyBytesMax && key >= model_.space().begin && key < model_.space().end) {
      return key;
    }
  }
  if (options_.limits && random_.Chance(OneIn(50))) {
    return KeyOfSize(model_.space(), kKeyBytesMax);
  }
  return DrawKey(random_, model_.space());
}

KeyRange Drawer::AnyRange() {
  if (random_.Chance(OneIn(8))) return model_.space();
  KeyRange range{AnyKey(), AnyKey()};
  if (range.begin > range.end) std::swap(range.begin, range.end);
  return range;
}

Operation::Selector Drawer::AnySelector() {
  return {.key = AnyKey(),
          .or_equal = random_.Chance(OneIn(2)),
          .offset = static_cast<int32_t>(random_.Between(-3, 4))};
}

void Drawer::SetLimits(Operation& operation) {
  operation.snapshot = random_.Chance(OneIn(3));
  operation.reverse = random_.Chance(OneIn(3));
  operation.mode = static_cast<int32_t>(random_.Between(-2, 4));
  if (random_.Chance(OneIn(2)) || operation.mode == 0) {
    operation.rows = static_cast<int32_t>(random_.Between(1, 8));
  }
  if (random_.Chance(OneIn(4))) operation.bytes = static_cast<int32_t>(random_.Between(1, 300));
}

// Both ends within the space: rows of others would be unknown.
Operation Drawer::SelectedRange() {
  Operation operation{.kind = Operation::kGetSelectedRange};
  SetLimits(operation);
  operation.begin = AnySelector();
  operation.end = AnySelector();
  const bool known = model_.Resolve(operation.begin, operation.snapshot).has_value() &&
                     model_.Resolve(operation.end, operation.snapshot).has_value();
  // What cannot be read yet may lie where a selector counts.
  if (known && !model_.has_unreadable()) return operation;
  operation.kind = Operation::kGetRange;
  operation.range = AnyRange();
  return operation;
}

Operation Drawer::Atomic() {
  return {.kind = Operation::kAtomic,
          .key = AnyKey(),
          .value = DrawValue(random_),
          .type = kAtomics[random_.Below(std::size(kAtomics))]};
}

Operation Drawer::Stamped() {
  Operation operation{.kind = Operation::kAtomic};
  std::string stamped = "before";
  const bool in_key = !options_.stamped_keys.empty() && random_.Chance(OneIn(2));
  if (in_key) stamped = options_.stamped_keys;
  const uint32_t position = static_cast<uint32_t>(stamped.size());
  stamped.append(kVersionstampBytes, '\0').append(random_.Below(3), 'z');
  AppendFixed(stamped, position);
  operation.type =
      in_key ? MutationType::kSetVersionstampedKey : MutationType::kSetVersionstampedValue;
  operation.key = in_key ? stamped : AnyKey();
  operation.value = in_key ? DrawValue(random_) : stamped;
  return operation;
}

Operation Drawer::WriteMistake() {
  Operation operation{.kind = Operation::kSet, .key = AnyKey(), .value = "v"};
  switch (random_.Below(6)) {
    case 0:
      operation.key = KeyOfSize(model_.space(), kKeyBytesMax + 1);
      operation.refused = ErrorCode::key_too_large;
      break;
    case 1:
      operation.value.resize(kValueBytesMax + 1);
      operation.refused = ErrorCode::value_too_large;
      break;
    case 2:
      operation.key = "\xff" + std::string(random_.Below(3), 'a');
      operation.refused = ErrorCode::key_outside_legal_range;
      break;
    case 3:
      operation.kind = Operation::kClearRange;
      operation.range = {KeyAfter(operation.key), operation.key};
      operation.refused = ErrorCode::inverted_range;
      break;
    case 4:
      operation.kind =
          random_.Chance(OneIn(2)) ? Operation::kClearRange : Operation::kWriteConflict;
      operation.range = {operation.key, "\xff\x01"};
      operation.refused = ErrorCode::key_outside_legal_range;
      break;
    default: {
      static constexpr uint8_t kNoAtomics[] = {0, 1, 3, 4, 5, 10, 11, 18, 19, 21, 40, 255};
      operation.kind = Operation::kAtomic;
      operation.type = static_cast<MutationType>(kNoAtomics[random_.Below(std::size(kNoAtomics))]);
      operation.refused = ErrorCode::invalid_mutation_type;
    }
  }
  return operation;
}

Operation Drawer::ReadMistake() {
  Operation operation{.kind = Operation::kGetRange, .key = AnyKey(), .range = AnyRange()};
  switch (random_.Below(7)) {
    case 0:
      operation.rows = static_cast<int32_t>(random_.Between(-5, -1));
      operation.refused = ErrorCode::range_limits_invalid;
      break;
    case 1:
      operation.bytes = INT32_MIN;
      operation.refused = ErrorCode::range_limits_invalid;
      break;
    case 2:
      operation.mode = 0;  // kExact, of no number of rows.
      operation.refused = ErrorCode::range_limits_invalid;
      break;
    case 3:
      operation.kind = random_.Chance(OneIn(2)) ? Operation::kGetRange : Operation::kReadConflict;
      operation.range = {KeyAfter(operation.key), operation.key};
      operation.refused = ErrorCode::inverted_range;
      break;
    case 4:
      operation.kind = Operation::kGet;
      operation.key = "\xff/conf/logs";
      operation.refused = ErrorCode::key_outside_legal_range;
      break;
    case 5:
      operation.kind = Operation::kGetKey;
      operation.begin = {.key = "\xff\x01", .or_equal = true, .offset = -1};
      operation.refused = ErrorCode::key_outside_legal_range;
      break;
    default:
      operation.kind = Operation::kSetReadVersion;
      operation.version = random_.Between(-1, 0);
      operation.refused = ErrorCode::version_invalid;
      if (!options_.has_version || random_.Chance(OneIn(2))) break;
      operation.version = 1;
      operation.refused = ErrorCode::read_version_already_set;
  }
  return operation;
}

// Too short for a stamp and its position, or a position from which the stamp does not fit.
Operation Drawer::StampMistake() {
  Operation operation{.kind = Operation::kAtomic, .key = AnyKey(), .value = "v"};
  std::string stamped(random_.Below(14), '\0');
  if (random_.Chance(OneIn(2))) {
    const uint32_t room = static_cast<uint32_t>(10 + random_.Below(5));
    stamped.assign(room, 'p');
    AppendFixed(stamped, random_.Chance(OneIn(4)) ? UINT32_MAX : room - 9);
  }
  operation.type = MutationType::kSetVersionstampedValue;
  operation.value = stamped;
  if (random_.Chance(OneIn(2))) {
    operation.type = MutationType::kSetVersionstampedKey;
    operation.key = stamped;
    operation.value = "v";
  }
  operation.refused = ErrorCode::client_invalid_operation;
  return operation;
}

Operation Drawer::Mistake() {
  switch (random_.Below(3)) {
    case 0:
      return WriteMistake();
    case 1:
      return ReadMistake();
    default:
      return StampMistake();
  }
}

Operation Drawer::Draw() {
  if (options_.mistakes && random_.Chance(OneIn(5))) return Mistake();
  Operation operation;
  switch (random_.Below(12)) {
    case 0:
    case 1:
      operation = {.kind = Operation::kGet, .key = AnyKey()};
      operation.snapshot = random_.Chance(OneIn(3));
      return operation;
    case 2:
    case 3:
      operation = {.kind = Operation::kGetRange, .range = AnyRange()};
      SetLimits(operation);
      return operation;
    case 4:
      return SelectedRange();
    case 5:
      operation = {.kind = Operation::kGetKey, .begin = AnySelector()};
      operation.snapshot = random_.Chance(OneIn(3));
      if (!model_.has_unreadable() &&
          (!model_.wrote_stamped_key() ||  // They cannot be read, and lie behind the space.
           model_.Resolve(operation.begin, operation.snapshot).has_value())) {
        return operation;
      }
      return {.kind = Operation::kGet, .key = AnyKey()};
    case 6:
    case 7: {
      operation = {.kind = Operation::kSet, .key = AnyKey(), .value = DrawValue(random_)};
      if (options_.limits && random_.Chance(OneIn(100))) operation.value.resize(kValueBytesMax);
      return operation;
    }
    case 8:
      return {.kind = Operation::kClear, .key = AnyKey()};
    case 9:
      return {.kind = Operation::kClearRange, .range = AnyRange()};
    case 10:
      if (random_.Chance(OneIn(4))) {
        return {
            .kind = random_.Chance(OneIn(2)) ? Operation::kReadConflict : Operation::kWriteConflict,
            .range = AnyRange()};
      }
      return Atomic();
    default:
      return random_.Chance(OneIn(3)) ? Stamped() : Atomic();
  }
}

}  // namespace

Key DrawKey(Random& random, const KeyRange& space) {
  static constexpr char kBytes[] = {'\0', 'a', 'b', '\xff'};
  Key key = space.begin;
  for (uint64_t bytes = random.Below(4); bytes > 0; --bytes) {
    key.push_back(kBytes[random.Below(std::size(kBytes))]);
  }
  return key;
}

Operation DrawOperation(Random& random, const TransactionModel& model, const DrawOptions& options) {
  return Drawer(random, model, options).Draw();
}

}  // namespace orrery::workloads
