// Goal: a file of processes is read whole or refused with its place. Method: files, good and bad.
#include "tools/orrery/serve_config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace orrery::tools {
namespace {

class ServeConfigTest : public testing::Test {
 protected:
  absl::StatusOr<ServeConfig> Load(const std::string& text) {
    path_ = folder_ + "/serve.toml";
    std::filesystem::create_directories(folder_);
    std::ofstream(path_) << text;
    return LoadServeConfig(path_);
  }
  // The error, without the file's name.
  std::string ErrorOf(const std::string& text) {
    const absl::Status status = Load(text).status();
    EXPECT_EQ(CodeOf(status), ErrorCode::invalid_argument) << text;
    return std::string(status.message()).substr(path_.size() + 1);
  }
  const std::string folder_ = testing::TempDir() + "serve_config";
  std::string path_;
};

constexpr const char* kGood =
    "cluster = \"c\"\nzone = \"z\"\n[knobs]\na = 7\nb = \"1s\"\n"
    "[[process]]\nname = \"p\"\nlisten = \"127.0.0.1:1\"\ndata = \"/d\"\nclass = \"log\"\n"
    "[[process]]\nname = \"q\"\nlisten = \"127.0.0.1:2\"\ndata = \"e\"\n";

TEST_F(ServeConfigTest, Good) {
  const auto config = Load(kGood);
  ASSERT_TRUE(config.ok()) << Describe(config.status());
  EXPECT_EQ(config->cluster, folder_ + "/c");
  EXPECT_EQ(config->knobs, (std::vector<std::string>{"a=7", "b=1s"}));
  ASSERT_EQ(config->processes.size(), 2u);
  EXPECT_EQ(config->processes[0].process_class, "log");
  EXPECT_EQ(config->processes[0].data, "/d");
  EXPECT_EQ(config->processes[1].data, folder_ + "/e");
  EXPECT_EQ(config->processes[1].process_class, "any");
  EXPECT_EQ(config->processes[1].zone, "z");
}

TEST_F(ServeConfigTest, RefusedWithPlaces) {
  const std::string process = "[[process]]\nname = \"p\"\nlisten = \"l\"\ndata = \"d\"\n";
  EXPECT_EQ(ErrorOf("cluster = \"c\"\n"), "1:1: no [[process]]; expected at least one");
  EXPECT_EQ(ErrorOf(process), "1:1: cluster is missing");
  EXPECT_EQ(ErrorOf("cluster = \"c\"\n" + process + "class = \"disk\"\n"),
            "6:9: there is no class \"disk\"; expected any, storage, log, stateless or "
            "coordinator");
  EXPECT_EQ(ErrorOf("cluster = \"c\"\nclutser = 1\n" + process),
            "2:11: unknown key clutser; expected one of: cluster, machine, zone, knobs, process");
  EXPECT_EQ(ErrorOf("cluster = \"c\"\n" + process + process), "6:1: the name p is there twice");
  EXPECT_EQ(ErrorOf("cluster = 7\n" + process), "1:11: cluster: expected a text in quotes");
  EXPECT_EQ(ErrorOf("cluster = \n").substr(0, 2), "1:");
}

}  // namespace
}  // namespace orrery::tools
