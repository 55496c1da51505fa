// A world of processes that consist of a loop, a network and a group of tasks: enough to test the
// network without sim/world's processes.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "sim/network/network_model.h"

namespace orrery::sim {

using ConnectionPtr = std::unique_ptr<Connection>;

inline NetworkAddress AddressOf(uint32_t host, uint16_t port = 0) {
  return NetworkAddress::V4(0x0a000001 + host, port);
}

// Latencies without a tail, so that a test can bound them.
inline NetworkParameters PlainParameters() {
  NetworkParameters parameters;
  parameters.tail_max = Duration{};
  return parameters;
}

struct TestProcess {
  TestProcess(NetworkModel& model, Timeline& timeline, HostId on, uint64_t incarnation)
      : loop(timeline, HashWords(static_cast<uint64_t>(on), incarnation), {}),
        network(model.Attach(loop, on)),
        group(loop, [](std::string_view task, absl::Status status) {
          ADD_FAILURE() << task << ": " << Describe(status);
        }) {}
  ~TestProcess() { Kill(); }

  void Kill() {
    loop.Fence();
    network->Fence();
    group.Cancel();
    held.clear();
    listener.reset();
  }

  Loop loop;
  std::unique_ptr<ProcessNetwork> network;
  std::unique_ptr<Listener> listener;
  std::vector<ConnectionPtr> held;
  TaskGroup group;
};

class TestWorld {
 public:
  explicit TestWorld(uint64_t seed, NetworkParameters parameters = PlainParameters())
      : timeline(seed), model(timeline, parameters) {}

  TestProcess& Add(std::string zone = "zone") {
    const uint32_t index = static_cast<uint32_t>(processes.size());
    const HostId host = model.AddHost({.key = index,
                                       .address = AddressOf(index),
                                       .machine = "machine" + std::to_string(index),
                                       .zone = std::move(zone),
                                       .data_center = "dc",
                                       .region = "region"});
    processes.push_back(std::make_unique<TestProcess>(model, timeline, host, 1));
    return *processes.back();
  }
  // A new incarnation on the host of process `index`, which has been killed.
  TestProcess& Restart(size_t index) {
    processes[index] =
        std::make_unique<TestProcess>(model, timeline, static_cast<HostId>(index), ++incarnations);
    return *processes[index];
  }

  void Run() {
    while (timeline.Step()) {
    }
  }
  void RunFor(Duration d) {
    const Time end = timeline.Now() + d;
    while (timeline.NextDue() <= end) timeline.Step();
    // Lets the time reach `end`.
    TestProcess& any = *processes.front();
    Sleep wait(any.loop, Duration{});
    wait.run = [](ReadyNode*) {};
    any.loop.ArmAt(wait, end);
    while (wait.armed()) timeline.Step();
  }
  bool RunUntil(const std::function<bool()>& done) {
    while (!done()) {
      if (!timeline.Step()) return false;
    }
    return true;
  }

  // Runs `task` on `process` to its end.
  template <class T>
  T Await(TestProcess& process, Task<T> task) {
    std::optional<T> result;
    process.group.Spawn("await", Store(&result, std::move(task)));
    EXPECT_TRUE(RunUntil([&] { return result.has_value(); })) << "the task never ends";
    return std::move(*result);
  }

  // An established stream from `a` to a listener of `b`.
  std::pair<ConnectionPtr, ConnectionPtr> Join(TestProcess& a, TestProcess& b) {
    auto listener = b.network->Listen(NetworkAddress::V4(0, 0));
    EXPECT_TRUE(listener.ok());
    const uint32_t host = IndexOf(b);
    const NetworkAddress target = AddressOf(host, (*listener)->local_address().port());
    auto connected = Await(a, a.network->Connect(target));
    auto accepted = Await(b, (*listener)->Accept());
    EXPECT_TRUE(connected.ok() && accepted.ok());
    return {*std::move(connected), *std::move(accepted)};
  }

  uint32_t IndexOf(const TestProcess& process) const {
    for (uint32_t i = 0; i < processes.size(); ++i) {
      if (processes[i].get() == &process) return i;
    }
    return ~0u;
  }

  Timeline timeline;
  NetworkModel model;
  std::vector<std::unique_ptr<TestProcess>> processes;
  uint64_t incarnations = 1;

 private:
  template <class T>
  static Task<absl::Status> Store(std::optional<T>* result, Task<T> task) {
    result->emplace(co_await std::move(task));
    co_return absl::OkStatus();
  }
};

// Reads to the end or the break of the stream; "!" at the end stands for a break.
inline Task<absl::Status> ReadAll(Connection* connection, std::string* out) {
  while (true) {
    absl::StatusOr<Buffer> bytes = co_await connection->Read();
    if (!bytes.ok()) {
      *out += "!";
      co_return absl::OkStatus();
    }
    if (bytes->empty()) {
      *out += "$";
      co_return absl::OkStatus();
    }
    *out += bytes->view();
  }
}

}  // namespace orrery::sim
