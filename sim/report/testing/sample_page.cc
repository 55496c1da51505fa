// Writes the page of a made-up run of 10,000 events: sample_page OUT.html. For browser_test, and to
// look at.
#include <cstdio>
#include <string>

#include "sim/report/html_writer.h"
#include "sim/report/testing/told.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: sample_page OUT.html\n");
    return 2;
  }
  const std::string page = orrery::sim::StoryPage(orrery::sim::SampleStory(10'000));
  std::FILE* const out = std::fopen(argv[1], "wb");
  const bool written =
      out != nullptr && std::fwrite(page.data(), 1, page.size(), out) == page.size();
  if (out == nullptr || std::fclose(out) != 0 || !written) {
    std::perror(argv[1]);
    return 1;
  }
  return 0;
}
