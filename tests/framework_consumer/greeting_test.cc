// A stranger's system in one function: it greets through a file of its Env, in a simulated world
// and for real. Goal: headers, libraries and messages of the framework work from another workspace.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "core/async/sleep.h"
#include "core/real/real_env.h"
#include "core/rpc/rpc_knobs.h"
#include "greeting.pb.h"
#include "sim/world/world.h"

namespace {

orrery::Task<absl::Status> Greet(orrery::Env& env, std::string* heard) {
  framework_consumer::Greeting greeting;
  greeting.set_text("hello, orrery");
  CO_ASSIGN_OR_RETURN(std::unique_ptr<orrery::File> file,
                      co_await env.files().Open("greeting", orrery::OpenMode::kCreate));
  const std::string bytes = greeting.SerializeAsString();
  CO_RETURN_IF_ERROR(co_await file->WriteDurable(0, orrery::Buffer::Copy(bytes)));
  co_await orrery::Sleep(env.clock(), orrery::Milliseconds(1));
  CO_ASSIGN_OR_RETURN(const orrery::Buffer read, co_await file->Read(0, 4096));
  framework_consumer::Greeting again;
  if (again.ParseFromArray(read.data(), static_cast<int>(read.size()))) *heard = again.text();
  co_return absl::OkStatus();
}

}  // namespace

int main() {
  std::string simulated;
  orrery::KnobSet knobs;
  knobs.Add<orrery::RpcKnobs>();
  orrery::sim::World world({.seed = 1, .knobs = &knobs});
  const auto greet = [&simulated](orrery::Env& env) { return Greet(env, &simulated); };
  world.AddProcess(world.AddMachine({.name = "m", .zone = "z"}), {.name = "p", .main = greet})
      .Start();
  const bool ran = world.RunUntil(world.Now() + orrery::Seconds(1));

  std::string real;
  orrery::real::RealOptions options;
  options.data_directory = std::string(std::getenv("TEST_TMPDIR")) + "/data";
  auto env = orrery::real::RealEnv::Create(options);
  const absl::Status status =
      env.ok() ? (*env)->Run([&real](orrery::Env& own) { return Greet(own, &real); })
               : env.status();
  std::cout << simulated << "\n" << real << "\n" << orrery::Describe(status) << "\n";
  return ran && status.ok() && simulated == "hello, orrery" && real == simulated ? 0 : 1;
}
