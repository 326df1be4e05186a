#include "bench/facts/thp_modes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "bench/facts/probes.h"

namespace acre::bench {
namespace {

constexpr const char* kSetting = "/sys/kernel/mm/transparent_hugepage/enabled";
constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};

// For the handler: what was set before, and a file to write it to. The process that they belong to, for a child
// of ours has a copy of all three.
std::array<char, 16> before;
std::size_t before_size = 0;
int file = -1;
pid_t owner = 0;
std::array<struct sigaction, kSignals.size()> handlers;

bool write_setting(const char* mode, std::size_t size) {
  return pwrite(file, mode, size, 0) == static_cast<ssize_t>(size);
}

void put_back_and_die(int number) {
  if (getpid() == owner) write_setting(before.data(), before_size);
  signal(number, SIG_DFL);
  raise(number);
}

}  // namespace

ThpModes::ThpModes() {
  const std::string mode = read_kernel_settings().huge_pages;
  if (mode == "unknown" || mode.size() > before.size()) {
    refusal_ = "this kernel has no transparent huge pages";
    return;
  }
  file = open(kSetting, O_WRONLY | O_CLOEXEC);
  if (file < 0) {
    refusal_ = fmt::format("{} cannot be changed: {}; root can", kSetting, strerror(errno));
    return;
  }
  std::copy(mode.begin(), mode.end(), before.begin());
  before_size = mode.size();
  owner = getpid();
  struct sigaction action = {};
  action.sa_handler = put_back_and_die;
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &handlers[i]);
  // One that was ignored (nohup) stays so.
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (handlers[i].sa_handler == SIG_IGN) sigaction(kSignals[i], &handlers[i], nullptr);
  }
}

ThpModes::~ThpModes() {
  if (file < 0) return;
  if (!write_setting(before.data(), before_size)) {
    fmt::print(stderr, "mmap_facts: {} could not be put back to {}\n", kSetting,
               std::string_view(before.data(), before_size));
  }
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &handlers[i], nullptr);
  close(std::exchange(file, -1));
}

bool ThpModes::set(const char* mode) { return write_setting(mode, strlen(mode)); }

}  // namespace acre::bench
