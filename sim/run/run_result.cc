// RunResult as bytes and back.
#include "sim/run/run_result.h"

#include "sim/run/run_result.pb.h"

namespace orrery::sim {
namespace {

void Put(const RunResult::Named& from, google::protobuf::RepeatedPtrField<NamedText>* to) {
  for (const auto& [name, text] : from) {
    NamedText* entry = to->Add();
    entry->set_name(name);
    entry->set_text(text);
  }
}

void Put(const std::map<std::string, uint64_t>& from,
         google::protobuf::RepeatedPtrField<NamedCount>* to) {
  for (const auto& [name, count] : from) {
    NamedCount* entry = to->Add();
    entry->set_name(name);
    entry->set_count(count);
  }
}

RunResult::Named TextsOf(const google::protobuf::RepeatedPtrField<NamedText>& from) {
  RunResult::Named to;
  for (const NamedText& entry : from) to.emplace_back(entry.name(), entry.text());
  return to;
}

std::map<std::string, uint64_t> CountsOf(
    const google::protobuf::RepeatedPtrField<NamedCount>& from) {
  std::map<std::string, uint64_t> to;
  for (const NamedCount& entry : from) to[entry.name()] = entry.count();
  return to;
}

using NoteMessages = google::protobuf::RepeatedPtrField<RecordedNoteMessage>;

void Put(const std::vector<RecordedNote>& from, NoteMessages* to) {
  for (const RecordedNote& note : from) {
    RecordedNoteMessage* entry = to->Add();
    entry->set_index(note.index);
    entry->set_time_ns(note.time_ns);
    entry->set_happening(note.happening);
    entry->set_entity(note.entity);
    entry->set_a(note.a);
    entry->set_b(note.b);
    entry->set_hash_after(note.hash_after);
  }
}

std::vector<RecordedNote> NotesOf(const NoteMessages& from) {
  std::vector<RecordedNote> to;
  for (const RecordedNoteMessage& entry : from) {
    to.push_back({.index = entry.index(),
                  .time_ns = entry.time_ns(),
                  .happening = entry.happening(),
                  .entity = entry.entity(),
                  .a = entry.a(),
                  .b = entry.b(),
                  .hash_after = entry.hash_after()});
  }
  return to;
}

void Put(const Comparison& from, ComparisonMessage* to) {
  to->set_same(from.same);
  to->set_recorded(from.recorded);
  to->set_end(static_cast<uint32_t>(from.end));
  if (!from.divergence.has_value()) return;
  DivergenceMessage* divergence = to->mutable_divergence();
  Put(from.divergence->before, divergence->mutable_before());
  Put(from.divergence->first, divergence->mutable_first());
  Put(from.divergence->second, divergence->mutable_second());
}

Comparison ComparisonOf(const ComparisonMessage& from) {
  Comparison to = {.same = from.same(),
                   .recorded = from.recorded(),
                   .end = static_cast<RecordingEnd>(from.end()),
                   .divergence = {}};
  if (from.has_divergence()) {
    to.divergence = {.before = NotesOf(from.divergence().before()),
                     .first = NotesOf(from.divergence().first()),
                     .second = NotesOf(from.divergence().second())};
  }
  return to;
}

}  // namespace

std::string EncodeRunResult(const RunResult& result) {
  RunResultMessage message;
  message.set_seed(result.seed);
  message.set_scenario(result.scenario);
  Put(result.deployment, message.mutable_deployment());
  Put(result.drawn, message.mutable_drawn());
  Put(result.knobs, message.mutable_knobs());
  message.set_plan(result.plan);
  for (const std::string& line : result.plan_lines) message.add_plan_lines(line);
  for (const RunFailure& failure : result.failures) {
    RunFailureMessage* entry = message.add_failures();
    entry->set_kind(failure.kind);
    entry->set_text(failure.text);
    entry->set_time_ns(ToNanoseconds(failure.time));
    entry->set_event(failure.event);
    if (!failure.evidence.empty()) entry->set_evidence(EncodeEvidence(failure.evidence));
  }
  message.set_phase(result.phase);
  message.set_diagnosis(result.diagnosis);
  message.set_hash(result.hash);
  message.set_events(result.events);
  message.set_notes(result.notes);
  message.set_simulated_ns(ToNanoseconds(result.simulated));
  message.set_cpu_ns(ToNanoseconds(result.cpu));
  message.set_start_ns(ToNanoseconds(result.start));
  Put(result.faults, message.mutable_faults());
  Put(result.skipped, message.mutable_skipped());
  Put(result.probes, message.mutable_probes());
  for (const auto& [name, value] : result.metrics) {
    NamedValue* entry = message.add_metrics();
    entry->set_name(name);
    entry->set_value(value);
  }
  message.set_stopped(result.stopped);
  message.set_faults_begun_ns(ToNanoseconds(result.faults_begun));
  Put(result.operations, message.mutable_operations());
  if (result.comparison.has_value()) Put(*result.comparison, message.mutable_comparison());
  return message.SerializeAsString();
}

absl::StatusOr<RunResult> DecodeRunResult(std::string_view bytes) {
  RunResultMessage message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Error(ErrorCode::internal_error, "the result of a run does not decode");
  }
  RunResult result;
  result.seed = message.seed();
  result.scenario = message.scenario();
  result.deployment = TextsOf(message.deployment());
  result.drawn = TextsOf(message.drawn());
  result.knobs = TextsOf(message.knobs());
  result.plan = message.plan();
  result.plan_lines.assign(message.plan_lines().begin(), message.plan_lines().end());
  for (const RunFailureMessage& entry : message.failures()) {
    result.failures.push_back({.kind = entry.kind(),
                               .text = entry.text(),
                               .time = TimeFromNanoseconds(entry.time_ns()),
                               .event = entry.event(),
                               .evidence = DecodeEvidence(entry.evidence()).value_or(Evidence())});
  }
  result.phase = message.phase();
  result.diagnosis = message.diagnosis();
  result.hash = message.hash();
  result.events = message.events();
  result.notes = message.notes();
  result.simulated = TimeFromNanoseconds(message.simulated_ns());
  result.cpu = Nanoseconds(message.cpu_ns());
  result.start = Nanoseconds(message.start_ns());
  result.faults = CountsOf(message.faults());
  result.skipped = CountsOf(message.skipped());
  result.probes = CountsOf(message.probes());
  for (const NamedValue& entry : message.metrics()) result.metrics[entry.name()] = entry.value();
  result.stopped = message.stopped();
  result.faults_begun = TimeFromNanoseconds(message.faults_begun_ns());
  result.operations = CountsOf(message.operations());
  if (message.has_comparison()) result.comparison = ComparisonOf(message.comparison());
  return result;
}

}  // namespace orrery::sim
