// Encoding of events told by hand, and a large story of them.
#include "sim/report/testing/told.h"

#include "core/base/random.h"
#include "core/observe/story_events.h"
#include "sim/report/story_record.pb.h"

namespace orrery::sim {
namespace {

using namespace story_events;

constexpr int kClients = 4;
constexpr int kServers = 12;
constexpr const char* kMethods[] = {"get_read_version", "commit", "resolve", "log_push",
                                    "get_value"};
constexpr const char* kOddText =
    "begin: \"</script><b id=injected>\\\"quoted\\\"</b>\" end: \"<!-- ]]> &amp; \\377\"";

std::string ClientName(int i) { return "client-" + std::to_string(i); }
std::string ServerName(int i) { return "server-" + std::to_string(i); }

Time At(double ms) { return TimeFromNanoseconds(static_cast<int64_t>(ms * 1e6)); }

// Tells the parts of a large story in the order of time.
class Sample {
 public:
  explicit Sample(size_t events) : events_(events) {}

  Story Make() {
    Begin();
    while (telling_.told.milestones.size() + telling_.told.details.size() < events_) Operation();
    const uint64_t last = telling_.Tell({.ms = ms_,
                                         .process = "",
                                         .type = kRunFailed,
                                         .fields = {{"kind", "check"}, {"text", kOddText}},
                                         .causes = {ended_},
                                         .level = TraceLevel::kError});
    (void)last;  // It is found by its time.
    Story story = BuildStory(telling_.told, FailedRun("check", kOddText, ms_));
    story.scenario = "sample";
    story.replay_command = "orrery sim --scenario 'a </title> b.toml' --seed 7";
    AddEvidence(story);
    return story;
  }

 private:
  void Begin() {
    for (int i = 0; i < kClients; ++i) telling_.Start(ClientName(i), 0, true);
    for (int i = 0; i < kServers; ++i) telling_.Start(ServerName(i), 1);
    ms_ = 2;
    telling_.Tell({.ms = ms_, .process = "", .type = kPhaseBegan, .fields = {{"phase", "faults"}}});
    Generation();
  }

  void Generation() {
    ++generation_;
    for (const char* const role : {"sequencer", "commit_proxy", "resolver", "log", "log"}) {
      telling_.Tell({.ms = ms_,
                     .process = ServerName(static_cast<int>(random_.Below(kServers))),
                     .type = kRoleBegan,
                     .fields = {{"role", role},
                                {"role_id", std::to_string(random_.Below(1'000'000))},
                                {"generation", std::to_string(generation_)}}});
    }
  }

  void Fault() {
    const std::string target = ServerName(static_cast<int>(random_.Below(kServers)));
    telling_.Tell({.ms = ms_,
                   .process = "",
                   .type = kFaultBegan,
                   .fields = {{"fault", std::to_string(++faults_)},
                              {"kind", faults_ % 2 == 0 ? "slow_disk" : "pause_process"},
                              {"for_ns", "400000000"},
                              {"targets", target},
                              {"what", "pause_process { process: \"" + target + "\" }"}}});
  }

  void Operation() {
    const int client = static_cast<int>(random_.Below(kClients));
    ms_ += 1 + static_cast<double>(random_.Below(4000)) / 1000;
    if (random_.Chance(OneIn(100))) Fault();
    if (random_.Chance(OneIn(400))) Generation();
    const Story::Named name = {{"workload", "sample"},
                               {"client", std::to_string(client)},
                               {"ordinal", std::to_string(ordinals_[client]++)}};
    ended_ = telling_.Tell({.ms = ms_,
                            .process = ClientName(client),
                            .type = kOperationBegan,
                            .fields = name,
                            .level = TraceLevel::kDebug});
    for (int64_t i = random_.Between(int64_t{1}, int64_t{5}); i > 0; --i) {
      ms_ += 0.3;
      const auto call = telling_.TellCall(
          ClientName(client), ServerName(static_cast<int>(random_.Below(kServers))),
          kMethods[random_.Below(std::size(kMethods))], ms_, {ended_});
      ended_ = call.heard;
      ms_ += 0.7;
    }
    Story::Named with_outcome = name;
    with_outcome.emplace_back("outcome", "ok");
    ended_ = telling_.Tell({.ms = ms_,
                            .process = ClientName(client),
                            .type = kOperationEnded,
                            .fields = with_outcome,
                            .causes = {ended_},
                            .level = TraceLevel::kDebug});
  }

  static void AddEvidence(Story& story) {
    Evidence evidence;
    const size_t count = story.operations.size();
    for (size_t i = 0; i < 3; ++i) {
      const Story::Operation& operation = story.operations[count - 1 - 2 * i];
      evidence.nodes.push_back({.label = "T" + std::to_string(i) + ": append <b>1</b> to list 2",
                                .workload = operation.workload,
                                .client = static_cast<int>(operation.client),
                                .ordinal = operation.ordinal});
      evidence.edges.push_back({.from = i, .to = (i + 1) % 3, .label = "rw on list 2"});
    }
    story.evidence = std::move(evidence);
  }

  const size_t events_;
  Telling telling_;
  Random random_{7};
  double ms_ = 0;
  int generation_ = 0;
  int faults_ = 0;
  int64_t ordinals_[kClients] = {};
  uint64_t ended_ = 0;
};

}  // namespace

uint64_t Telling::Tell(const ToldEvent& event) {
  StoryRecord record;
  record.set_ordinal(++ordinal_);
  record.set_time_ns(ToNanoseconds(At(event.ms)));
  record.set_process(event.process);
  record.set_incarnation(event.process.empty() ? 0 : event.incarnation);
  record.set_level(static_cast<uint32_t>(event.level));
  record.set_type(event.type);
  record.set_task("task");
  for (const auto& [name, value] : event.fields) {
    StoryField* const field = record.add_fields();
    field->set_name(name);
    field->set_value(value);
  }
  for (const uint64_t cause : event.causes) record.add_causes(cause);
  const bool operation = event.type == kOperationBegan || event.type == kOperationEnded;
  (event.level == TraceLevel::kDebug && !operation ? told.details : told.milestones)
      .push_back(record.SerializeAsString());
  return ordinal_;
}

void Telling::Start(const std::string& process, double ms, bool client, uint32_t life) {
  Tell({.ms = ms,
        .process = "",
        .type = kProcessStarted,
        .fields = {{"process", process},
                   {"incarnation", std::to_string(life)},
                   {"machine", "m." + process},
                   {"zone", "z." + process},
                   {"data_center", ""},
                   {"client", client ? "true" : "false"}}});
}

Telling::Call Telling::TellCall(const std::string& from, const std::string& to,
                                const std::string& method, double ms,
                                std::vector<uint64_t> causes) {
  const std::string call = from + ">" + to + " " + std::to_string(++calls_);
  const auto tell = [&](double at, const std::string& process, const char* type,
                        Story::Named fields, std::vector<uint64_t> because) {
    fields.insert(fields.begin(), {"call", call});
    return Tell({.ms = at,
                 .process = process,
                 .type = type,
                 .fields = std::move(fields),
                 .causes = std::move(because),
                 .level = TraceLevel::kDebug});
  };
  Call told_call;
  told_call.sent = tell(ms, from, kRequestSent,
                        {{"method", method}, {"peer", to}, {"header", kOddText}}, causes);
  told_call.received =
      tell(ms + 0.2, to, kRequestReceived, {{"method", method}, {"peer", from}}, {});
  told_call.replied = tell(ms + 0.3, to, kReplySent, {}, {told_call.received});
  told_call.heard = tell(ms + 0.5, from, kReplyReceived, {}, {});
  return told_call;
}

RunResult FailedRun(const std::string& kind, const std::string& text, double ms) {
  RunResult result;
  result.scenario = "told";
  result.seed = 7;
  result.simulated = At(ms);
  result.failures.push_back({kind, text, At(ms)});
  return result;
}

Story SampleStory(size_t events) { return Sample(events).Make(); }

}  // namespace orrery::sim
