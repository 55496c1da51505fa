// The public face of the wire.
#include "sim/network/network_model.h"

#include <utility>

#include "sim/network/process_network.h"
#include "sim/network/wire.h"

namespace orrery::sim {

NetworkModel::NetworkModel(Timeline& timeline, NetworkParameters parameters)
    : wire_(std::make_unique<Wire>(timeline, parameters)) {}

NetworkModel::~NetworkModel() = default;

HostId NetworkModel::AddHost(Host host) { return wire_->AddHost(std::move(host)); }

std::unique_ptr<ProcessNetwork> NetworkModel::Attach(Loop& loop, HostId host) {
  return std::make_unique<SimProcessNetwork>(*wire_, loop, host);
}

void NetworkModel::PowerOff(HostId host) { wire_->SetPower(host, false); }
void NetworkModel::PowerOn(HostId host) { wire_->SetPower(host, true); }

void NetworkModel::SetName(const std::string& name, std::vector<NetworkAddress> addresses) {
  wire_->names.Set(name, std::move(addresses), wire_->timeline.Now());
}

FaultId NetworkModel::Begin(NetworkFault fault, Time until) {
  return wire_->Begin(std::move(fault), until);
}
void NetworkModel::End(FaultId fault) { wire_->EndFault(fault); }
void NetworkModel::HealAll() { wire_->HealAll(); }

const std::map<FaultId, NetworkFault>& NetworkModel::faults() const { return wire_->faults; }

bool NetworkModel::IsBlocked(HostId from, HostId to) const {
  return wire_->IsBlocked(wire_->LinkBetween(from, to));
}

const NetworkFaultEffects& NetworkModel::effects() const { return wire_->effects; }
const NetworkParameters& NetworkModel::parameters() const { return wire_->parameters; }
const Host& NetworkModel::host(HostId host) const { return wire_->host(host); }
size_t NetworkModel::open_streams() const { return wire_->open_streams(); }

}  // namespace orrery::sim
