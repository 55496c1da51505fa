// Lines with a column for each process that has a part in it.
#include "sim/report/text_writer.h"

#include <algorithm>
#include <map>
#include <vector>

#include "core/observe/story_events.h"
#include "sim/report/event_words.h"

namespace orrery::sim {
namespace {

constexpr size_t kNone = Story::kNone;
constexpr size_t kTracksMax = 14;  // Processes with a column of their own.

// Cut to `room` columns, not inside of a character; control characters become blanks.
std::string Cut(std::string text, size_t room) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  size_t columns = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (begins && ++columns > room) return text.substr(0, i > 3 ? i - 3 : 0) + "...";
  }
  return text;
}

std::string Padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

class TextWriter {
 public:
  TextWriter(const Story& story, const TextOptions& options) : story_(story), options_(options) {}

  std::string Write() {
    Head();
    const std::vector<size_t> events = Chosen();
    ChooseTracks(events);
    TrackNames();
    for (const size_t event : events) Line(event);
    Evidence();
    Broken(events);
    out_ += "replay: " + story_.replay_command + "\n";
    return std::move(out_);
  }

 private:
  void Head();
  std::vector<size_t> Chosen();
  void ChooseTracks(const std::vector<size_t>& events);
  void TrackNames();
  void Line(size_t index);
  void Evidence();
  void Broken(const std::vector<size_t>& events);
  std::string Tracks(const Story::Event& event) const;
  static char Sign(const Story::Event& event);

  const Story& story_;
  const TextOptions& options_;
  std::string out_;
  std::vector<size_t> tracks_;  // Lanes.
  size_t name_width_ = 5;
};

void TextWriter::Head() {
  out_ += story_.scenario + ", seed " + std::to_string(story_.seed) + ": ";
  if (story_.passed()) {
    out_ += "passed at " + SecondsText(story_.end) + " s\n";
    return;
  }
  out_ += "FAILED\n";
  for (const Story::Failure& failure : story_.failures) {
    out_ += "  " + failure.kind + " at " + SecondsText(failure.time) + " s: " + failure.text + "\n";
  }
}

// The last events of the failure's past; of a run that passed, those that stand out.
std::vector<size_t> TextWriter::Chosen() {
  std::vector<size_t> events;
  if (story_.passed()) {
    for (size_t i = 0; i < story_.events.size(); ++i) {
      if (story_.events[i].level >= TraceLevel::kInfo) events.push_back(i);
    }
  } else {
    const std::vector<bool> past = CausalPast(story_, WhatFailed(story_), options_.past);
    for (size_t i = 0; i < past.size(); ++i) {
      if (past[i]) events.push_back(i);
    }
  }
  const size_t all = events.size();
  if (all > options_.lines_max) {
    events.erase(events.begin(), events.end() - static_cast<ptrdiff_t>(options_.lines_max));
  }
  out_ += "\n";
  out_ += story_.passed()                 ? "what stood out"
          : options_.past == Past::kSteps ? "what led to it, step by step"
                                          : "all that may have mattered";
  out_ += events.size() < all ? ": the last " + std::to_string(events.size()) + " of " +
                                    std::to_string(all) + " events; --lines N for more\n"
                              : ": " + std::to_string(all) + " events\n";
  return events;
}

// Those with the most events in it; in the order of lanes.
void TextWriter::ChooseTracks(const std::vector<size_t>& events) {
  std::map<size_t, size_t> counts;
  for (const size_t event : events) {
    const size_t lane = story_.events[event].lane;
    if (lane == kNone) continue;
    ++counts[lane];
    name_width_ = std::max(name_width_, story_.lanes[lane].process.size());
  }
  name_width_ = std::min<size_t>(name_width_, 20);
  std::vector<std::pair<size_t, size_t>> ranked;
  for (const auto& [lane, count] : counts) ranked.emplace_back(count, lane);
  std::ranges::sort(ranked, std::greater<>());
  ranked.resize(std::min(ranked.size(), kTracksMax));
  for (const auto& [count, lane] : ranked) tracks_.push_back(lane);
  std::ranges::sort(tracks_);
}

// The columns and whose they are, as steps: the rightmost first.
void TextWriter::TrackNames() {
  const std::string blank(13, ' ');
  for (size_t i = 0; i < tracks_.size(); ++i) {
    out_ += blank;
    for (size_t j = 0; j < i; ++j) out_ += "| ";
    out_ += ". " + story_.lanes[tracks_[i]].process;
    const Story::Lane& lane = story_.lanes[tracks_[i]];
    std::string place;
    for (const std::string* const name : {&lane.machine, &lane.zone}) {
      if (!name->empty() && *name != lane.process && place.find(*name) == std::string::npos) {
        place += (place.empty() ? "" : ", ") + *name;
      }
    }
    out_ += (place.empty() || lane.client ? "" : " (" + place + ")") + "\n";
  }
}

char TextWriter::Sign(const Story::Event& event) {
  using namespace story_events;
  if (event.type == kRunFailed || event.level == TraceLevel::kError) return '#';
  if (event.type == kRequestSent || event.type == kReplySent) return '>';
  if (event.type == kRequestReceived || event.type == kReplyReceived) return '<';
  if (event.type == kCallFailed || event.type == kProcessEnded) return 'x';
  if (event.level == TraceLevel::kWarn) return '!';
  return 'o';
}

std::string TextWriter::Tracks(const Story::Event& event) const {
  std::string columns;
  for (const size_t lane : tracks_) {
    columns += lane == event.lane ? Sign(event) : '|';
    columns += ' ';
  }
  return columns;
}

void TextWriter::Line(size_t index) {
  const Story::Event& event = story_.events[index];
  std::string line = SecondsText(event.time);
  line.insert(0, line.size() < 11 ? 11 - line.size() : 0, ' ');
  line += "  " + Tracks(event);
  const std::string who = event.lane == kNone ? "world" : story_.lanes[event.lane].process;
  line += Padded(Cut(who, name_width_), name_width_) + "  ";
  out_ += Cut(line + EventWords(story_, index), options_.columns) + "\n";
}

void TextWriter::Evidence() {
  if (!story_.evidence.has_value() || story_.evidence->empty()) return;
  out_ += "\nevidence\n";
  for (size_t i = 0; i < story_.evidence->nodes.size(); ++i) {
    const sim::Evidence::Node& node = story_.evidence->nodes[i];
    std::string line = "  " + std::to_string(i + 1) + "  " + node.label;
    if (node.ordinal >= 0) {
      line += "  [" + node.workload + "/" + std::to_string(node.client) + " #" +
              std::to_string(node.ordinal) + "]";
    }
    out_ += Cut(line, options_.columns) + "\n";
  }
  for (const sim::Evidence::Edge& edge : story_.evidence->edges) {
    out_ += Cut("  " + std::to_string(edge.from + 1) + " -> " + std::to_string(edge.to + 1) + "  " +
                    edge.label,
                options_.columns) +
            "\n";
  }
}

// The faults that lasted into the time that is shown.
void TextWriter::Broken(const std::vector<size_t>& events) {
  if (events.empty()) return;
  const Time from = story_.events[events.front()].time;
  std::string lines;
  for (const Story::Fault& fault : story_.faults) {
    if (fault.end < from) continue;
    lines +=
        Cut("  " + SecondsText(fault.begin) + " to " + SecondsText(fault.end) + "  " + fault.what,
            options_.columns) +
        "\n";
  }
  if (!lines.empty()) out_ += "\nfaults at that time\n" + lines;
  out_ += "\n";
}

}  // namespace

std::string StoryText(const Story& story, const TextOptions& options) {
  return TextWriter(story, options).Write();
}

}  // namespace orrery::sim
