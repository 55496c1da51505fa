// Evidence as the payload of a Status, as bytes, and in words.
#include "sim/run/evidence.h"

#include <utility>

#include "absl/strings/cord.h"

#include "core/base/invariant.h"
#include "sim/run/evidence.pb.h"

namespace orrery::sim {
namespace {

constexpr char kPayloadUrl[] = "orrery.sim/evidence";

}  // namespace

std::string EncodeEvidence(const Evidence& evidence) {
  EvidenceMessage message;
  for (const Evidence::Node& node : evidence.nodes) {
    EvidenceNode* const to = message.add_nodes();
    to->set_label(node.label);
    to->set_workload(node.workload);
    to->set_client(node.client);
    to->set_ordinal(node.ordinal);
  }
  for (const Evidence::Edge& edge : evidence.edges) {
    INVARIANT(edge.from < evidence.nodes.size() && edge.to < evidence.nodes.size(), edge.from,
              edge.to);
    EvidenceEdge* const to = message.add_edges();
    to->set_from(static_cast<uint32_t>(edge.from));
    to->set_to(static_cast<uint32_t>(edge.to));
    to->set_label(edge.label);
  }
  return message.SerializeAsString();
}

std::optional<Evidence> DecodeEvidence(std::string_view bytes) {
  EvidenceMessage message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  Evidence evidence;
  for (const EvidenceNode& node : message.nodes()) {
    evidence.nodes.push_back({.label = node.label(),
                              .workload = node.workload(),
                              .client = node.client(),
                              .ordinal = node.ordinal()});
  }
  for (const EvidenceEdge& edge : message.edges()) {
    if (edge.from() >= evidence.nodes.size() || edge.to() >= evidence.nodes.size()) {
      return std::nullopt;
    }
    evidence.edges.push_back({.from = edge.from(), .to = edge.to(), .label = edge.label()});
  }
  return evidence;
}

absl::Status WithEvidence(absl::Status status, const Evidence& evidence) {
  if (!status.ok() && !evidence.empty())
    status.SetPayload(kPayloadUrl, absl::Cord(EncodeEvidence(evidence)));
  return status;
}

std::optional<Evidence> EvidenceOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  return DecodeEvidence(std::string(*payload));
}

absl::Status CopyEvidence(const absl::Status& from, absl::Status to) {
  const absl::optional<absl::Cord> payload = from.GetPayload(kPayloadUrl);
  if (payload.has_value() && !to.ok()) to.SetPayload(kPayloadUrl, *payload);
  return to;
}

std::string DescribeEvidence(const Evidence& evidence) {
  std::string text;
  for (size_t i = 0; i < evidence.nodes.size(); ++i) {
    const Evidence::Node& node = evidence.nodes[i];
    text += "  [" + std::to_string(i + 1) + "] " + node.label;
    if (node.client >= 0 && node.ordinal >= 0) {
      text += "  (" + node.workload + ", client " + std::to_string(node.client) + ", operation " +
              std::to_string(node.ordinal) + ")";
    }
    text += "\n";
    for (const Evidence::Edge& edge : evidence.edges) {
      if (edge.from != i) continue;
      text += "        -> [" + std::to_string(edge.to + 1) + "]  " + edge.label + "\n";
    }
  }
  return text;
}

}  // namespace orrery::sim
