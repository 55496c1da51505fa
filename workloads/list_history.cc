// The checker of list histories.
#include "workloads/list_history.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/encoding.h"
#include "core/base/fixed.h"
#include "core/base/lookup_map.h"
#include "workloads/dependency_graph.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

std::string Name(const ListHistory& history, size_t transaction) {
  return "transaction " + std::to_string(transaction) + " of client " +
         std::to_string(history.transactions[transaction].by.client);
}

std::string Show(const ListElements& elements) {
  constexpr size_t kShown = 20;
  std::string text = "[";
  const size_t begin = elements.size() > kShown ? elements.size() - kShown : 0;
  if (begin > 0) text += "... ";
  for (size_t i = begin; i < elements.size(); ++i) {
    text += (i > begin ? " " : "") + std::to_string(elements[i]);
  }
  return text + "]";
}

// "append 5 to list 2, read list 3 up to 17"
std::string Show(const std::vector<ListOperation>& operations) {
  std::string text;
  for (const ListOperation& operation : operations) {
    if (!text.empty()) text += ", ";
    const std::string list = "list " + std::to_string(operation.list);
    if (operation.kind == ListOperation::kAppend) {
      text += "append " + std::to_string(operation.element) + " to " + list;
    } else if (operation.elements.empty()) {
      text += "read " + list + ", empty";
    } else {
      text += "read " + list + " up to " + std::to_string(operation.elements.back());
    }
  }
  return text;
}

class Checker {
 public:
  explicit Checker(const ListHistory& history)
      : history_(history), graph_(history.transactions.size()) {}

  absl::Status Check() {
    FindWriters();
    RETURN_IF_ERROR(CheckLast());
    for (size_t i = 0; i < history_.transactions.size(); ++i) RETURN_IF_ERROR(CheckReads(i));
    RETURN_IF_ERROR(CheckAppends());
    AddVersionOrder();
    AddRealTime();
    return Verdict();
  }

 private:
  struct Write {
    size_t transaction = 0;
    ListId list = 0;
    size_t ordinal = 0;              // Among the transaction's appends to this list.
    bool last = false;               // The last of these.
    std::optional<size_t> position;  // In the list, if it is there.
  };

  void FindWriters();
  absl::Status CheckLast();
  absl::Status CheckReads(size_t transaction);
  absl::Status CheckExternal(size_t transaction, ListId list, const ListElements& elements,
                             size_t size);
  absl::Status CheckAppends();
  void AddVersionOrder();
  void AddRealTime();
  absl::Status Verdict() const;

  // Whether it has a place in the order: committed, or unknown and seen.
  bool Happened(size_t transaction) const { return happened_[transaction]; }
  const ListElements& Last(ListId list) const {
    const auto found = history_.last.find(list);
    return found == history_.last.end() ? none_ : found->second;
  }
  std::string Name(size_t transaction) const { return workloads::Name(history_, transaction); }

  sim::Evidence::Node Node(size_t transaction) const {
    const ListTransaction& about = history_.transactions[transaction];
    return about.by.Node("T" + std::to_string(transaction) + ": " + Show(about.operations));
  }

  const ListElements none_;
  const ListHistory& history_;
  std::map<uint64_t, Write> writes_;  // By element.
  std::vector<bool> happened_;
  DependencyGraph graph_;  // Nodes beyond the transactions are moments of acknowledgements.
};

void Checker::FindWriters() {
  for (size_t i = 0; i < history_.transactions.size(); ++i) {
    const ListTransaction& transaction = history_.transactions[i];
    happened_.push_back(transaction.outcome == ListOutcome::kCommitted);
    std::map<ListId, std::pair<size_t, uint64_t>> own;  // Appends to a list, and the last of them.
    for (const ListOperation& operation : transaction.operations) {
      if (operation.kind != ListOperation::kAppend) continue;
      size_t& count = own[operation.list].first;
      own[operation.list].second = operation.element;
      writes_[operation.element] = {i, operation.list, count++, false, std::nullopt};
    }
    for (const auto& [list, appends] : own) writes_[appends.second].last = true;
  }
}

// The last lists: nothing from nowhere, nothing twice, nothing that failed.
absl::Status Checker::CheckLast() {
  for (const auto& [list, elements] : history_.last) {
    const std::string name = "list " + std::to_string(list) + " = " + Show(elements);
    for (size_t position = 0; position < elements.size(); ++position) {
      const uint64_t element = elements[position];
      const auto found = writes_.find(element);
      if (found == writes_.end() || found->second.list != list) {
        return Violated(name + ": nobody appended " + std::to_string(element) + " to it");
      }
      Write& write = found->second;
      if (write.position.has_value()) {
        return Violated(name + ": " + std::to_string(element) + " was appended twice");
      }
      if (history_.transactions[write.transaction].outcome == ListOutcome::kFailed) {
        return Violated(name + ": " + std::to_string(element) + " is of " +
                        Name(write.transaction) + ", which had failed");
      }
      write.position = position;
      happened_[write.transaction] = true;
    }
  }
  return absl::OkStatus();
}

// Of what a committed transaction appended all is there, of another's all or nothing, side by side.
absl::Status Checker::CheckAppends() {
  for (const auto& [element, write] : writes_) {
    if (!Happened(write.transaction)) continue;
    if (!write.position.has_value()) {
      const bool committed =
          history_.transactions[write.transaction].outcome == ListOutcome::kCommitted;
      return Violated(
          "element " + std::to_string(element) + " of " + Name(write.transaction) +
              " is not in list " + std::to_string(write.list) + " = " + Show(Last(write.list)) +
              ", though " +
              (committed ? "it was acknowledged" : "others of the same transaction are there"),
          {.nodes = {Node(write.transaction)}, .edges = {}});
    }
    if (write.ordinal == 0) continue;
    const ListElements& elements = Last(write.list);
    const Write& before = *write.position == 0 ? write : writes_.at(elements[*write.position - 1]);
    if (before.transaction != write.transaction || before.ordinal + 1 != write.ordinal) {
      return Violated("list " + std::to_string(write.list) + " = " + Show(elements) + ": " +
                      Name(write.transaction) + " did not append side by side");
    }
  }
  return absl::OkStatus();
}

// A read sees own appends at the end, before them a beginning of the last list.
absl::Status Checker::CheckReads(size_t index) {
  const ListTransaction& transaction = history_.transactions[index];
  std::map<ListId, ListElements> own;
  for (const ListOperation& operation : transaction.operations) {
    ListElements& appended = own[operation.list];
    if (operation.kind == ListOperation::kAppend) {
      appended.push_back(operation.element);
      continue;
    }
    const ListElements& read = operation.elements;
    if (read.size() < appended.size() ||
        !std::equal(appended.begin(), appended.end(),
                    read.end() - static_cast<ptrdiff_t>(appended.size()))) {
      return Violated(Name(index) + " read list " + std::to_string(operation.list) + " = " +
                      Show(read) + ", which does not end with its own " + Show(appended));
    }
    RETURN_IF_ERROR(CheckExternal(index, operation.list, read, read.size() - appended.size()));
  }
  return absl::OkStatus();
}

// The first `size` elements are what others had appended. Adds what follows for the order.
absl::Status Checker::CheckExternal(size_t index, ListId list, const ListElements& elements,
                                    size_t size) {
  const ListElements& last = Last(list);
  if (size > last.size() ||
      !std::equal(elements.begin(), elements.begin() + static_cast<ptrdiff_t>(size),
                  last.begin())) {
    return Violated(Name(index) + " read list " + std::to_string(list) + " = " + Show(elements) +
                        ", which is no beginning of what it is at last, " + Show(last),
                    {.nodes = {Node(index)}, .edges = {}});
  }
  const std::string on = " on list " + std::to_string(list);
  if (size > 0) {
    const Write& before = writes_.at(last[size - 1]);
    if (!before.last) {
      return Violated(Name(index) + " read list " + std::to_string(list) + " = " + Show(elements) +
                          " in the middle of the appends of " + Name(before.transaction),
                      {.nodes = {Node(before.transaction), Node(index)},
                       .edges = {{.from = 0, .to = 1, .label = "seen in part" + on}}});
    }
    if (Happened(index) && before.transaction != index) {
      graph_.AddEdge(before.transaction, index, "wr" + on + ", " + std::to_string(last[size - 1]));
    }
  }
  if (size < last.size() && Happened(index)) {
    const size_t next = writes_.at(last[size]).transaction;
    if (next != index) graph_.AddEdge(index, next, "rw" + on + ", " + std::to_string(last[size]));
  }
  return absl::OkStatus();
}

void Checker::AddVersionOrder() {
  for (const auto& [list, elements] : history_.last) {
    for (size_t i = 1; i < elements.size(); ++i) {
      const size_t from = writes_.at(elements[i - 1]).transaction;
      const size_t to = writes_.at(elements[i]).transaction;
      if (from == to) continue;
      graph_.AddEdge(from, to,
                     "ww on list " + std::to_string(list) + ", " + std::to_string(elements[i - 1]) +
                         " then " + std::to_string(elements[i]));
    }
  }
}

// A chain of moments, one for each acknowledgement: a transaction leads to the moment of its own,
// and the last moment before its beginning leads to it. So the edges are few.
void Checker::AddRealTime() {
  std::map<uint64_t, std::pair<size_t, bool>> events;  // By moment: transaction, whether it ends.
  for (size_t i = 0; i < history_.transactions.size(); ++i) {
    if (!Happened(i)) continue;
    const ListTransaction& transaction = history_.transactions[i];
    events[transaction.begin] = {i, false};
    if (transaction.outcome == ListOutcome::kCommitted) events[transaction.end] = {i, true};
  }
  std::optional<size_t> moment;
  for (const auto& [when, event] : events) {
    const auto& [transaction, ends] = event;
    if (!ends) {
      if (moment.has_value()) graph_.AddEdge(*moment, transaction, "rt");
      continue;
    }
    const size_t next = graph_.AddNode();
    if (moment.has_value()) graph_.AddEdge(*moment, next, "");
    graph_.AddEdge(transaction, next, "");
    moment = next;
  }
}

absl::Status Checker::Verdict() const {
  const std::vector<DependencyGraph::Step> circle = graph_.FindCircle();
  if (circle.empty()) return absl::OkStatus();
  const size_t transactions = history_.transactions.size();
  // Begins at a transaction; moments are passed over: "rt" says that all before was acknowledged.
  size_t first = 0;
  while (circle[first].from >= transactions) ++first;
  std::string text = "the history is not strictly serialisable:";
  sim::Evidence evidence;
  size_t from = circle[first].from;
  for (size_t i = 0; i < circle.size(); ++i) {
    const DependencyGraph::Step& step = circle[(first + i) % circle.size()];
    if (step.edge.to >= transactions) continue;
    const std::string reason =
        step.edge.reason == "rt" ? "rt, acknowledged before the other began" : step.edge.reason;
    text += "\n  " + Name(from) + " before " + Name(step.edge.to) + ": " + reason;
    const size_t node = evidence.nodes.size();
    evidence.nodes.push_back(Node(from));
    evidence.edges.push_back({.from = node, .to = node + 1, .label = reason});
    from = step.edge.to;
  }
  evidence.edges.back().to = 0;
  return Violated(text, evidence);
}

}  // namespace

absl::Status CheckListHistory(const ListHistory& history) { return Checker(history).Check(); }

std::string EncodeElements(const ListElements& elements) {
  std::string bytes;
  for (const uint64_t element : elements) AppendFixed(bytes, element);
  return bytes;
}

bool DecodeElements(std::string_view bytes, ListElements& elements) {
  ByteReader reader(bytes);
  elements.clear();
  uint64_t element = 0;
  while (reader.ReadFixed64(element)) elements.push_back(element);
  return reader.AtEnd();
}

}  // namespace orrery::workloads
