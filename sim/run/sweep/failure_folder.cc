// Files of a failing run.
#include "sim/run/sweep/failure_folder.h"

#include <filesystem>
#include <system_error>

#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/atomic_file.h"
#include "sim/run/plan_outcome.h"
#include "sim/run/report.h"
#include "sim/run/scenario.h"

namespace orrery::sim {
namespace {

constexpr const char* kPlanFile = "/plan.textproto";

absl::Status Failed(const std::string& path, const std::error_code& error) {
  return Error(ErrorCode::platform_error, path + ": cannot be written: " + error.message());
}

}  // namespace

bool FailureFolder::Holds(const std::string& scenario, uint64_t seed) const {
  const absl::StatusOr<std::string> text = ReadTextFile(path_ + kPlanFile);
  if (!text.ok()) return false;
  const absl::StatusOr<FaultPlan> plan = FaultPlanFromText(*text);
  return plan.ok() && plan->scenario() == scenario && plan->seed() == seed;
}

absl::Status FailureFolder::Begin() const {
  std::error_code error;
  std::filesystem::remove_all(beside_, error);
  if (!error) std::filesystem::create_directories(beside_, error);
  return error ? Failed(beside_, error) : absl::OkStatus();
}

absl::Status FailureFolder::Finish(const RunResult& result, const std::string& scenario_file,
                                   const std::string& scenario_text,
                                   const std::string& replay) const {
  RETURN_IF_ERROR(WriteAtomically(beside_ + kPlanFile, PlanWithOutcome(result)));
  RETURN_IF_ERROR(WriteAtomically(beside_ + "/" + scenario_file, scenario_text));
  RETURN_IF_ERROR(WriteAtomically(
      beside_ + "/outcome.txt",
      DescribeDrawn(result) + DescribeOutcome(result) + "replay: " + replay + "\n"));
  return PutInPlace();
}

absl::Status FailureFolder::CopyFrom(const FailureFolder& other) const {
  RETURN_IF_ERROR(Begin());
  std::error_code error;
  std::filesystem::copy(other.path_, beside_, std::filesystem::copy_options::recursive, error);
  if (error) return Failed(beside_, error);
  return PutInPlace();
}

absl::Status FailureFolder::PutInPlace() const {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  if (!error) std::filesystem::rename(beside_, path_, error);
  return error ? Failed(path_, error) : absl::OkStatus();
}

}  // namespace orrery::sim
