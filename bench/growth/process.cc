#include "bench/growth/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <fstream>
#include <string_view>
#include <thread>

namespace acre::bench {
namespace {

// Not std::ifstream: the sampler calls this fifty times a second, and what is measured includes the
// memory that measuring takes.
std::size_t read_small(const char* path, char* buffer, std::size_t size) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t got = read(file, buffer, size);
  close(file);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

// The number behind the first `label` of the text; 0 without it.
std::uint64_t number_after(std::string_view text, std::string_view label) {
  const std::size_t at = text.find(label);
  if (at == std::string_view::npos) return 0;
  text.remove_prefix(at + label.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::uint64_t meminfo(std::string_view label) {
  std::array<char, 4096> text;
  const std::size_t size = read_small("/proc/meminfo", text.data(), text.size());
  return number_after({text.data(), size}, label) * 1024;
}

// "always [madvise] never" gives "madvise".
std::string bracketed_word(const char* path) {
  std::array<char, 256> text;
  const std::string_view line(text.data(), read_small(path, text.data(), text.size()));
  const std::size_t open_at = line.find('[');
  const std::size_t close_at = line.find(']');
  if (open_at == std::string_view::npos || close_at == std::string_view::npos) return "unknown";
  return std::string(line.substr(open_at + 1, close_at - open_at - 1));
}

double clock_seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

std::uint64_t resident_exact() {
  std::array<char, 4096> text;
  const std::size_t size = read_small("/proc/self/smaps_rollup", text.data(), text.size());
  const std::uint64_t bytes = number_after({text.data(), size}, "\nRss:") * 1024;
  return bytes != 0 ? bytes : resident_quick();
}

std::uint64_t resident_quick() {
  std::array<char, 256> text;
  const std::size_t size = read_small("/proc/self/statm", text.data(), text.size());
  // The second number, after the first blank.
  return number_after({text.data(), size}, " ") * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t vma_count() {
  const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::uint64_t lines = 0;
  std::array<char, 4096> text;
  for (ssize_t got; (got = read(file, text.data(), text.size())) > 0;) {
    lines += static_cast<std::uint64_t>(std::count(text.data(), text.data() + got, '\n'));
  }
  close(file);
  return lines;
}

std::uint64_t minor_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_minflt);
}

std::uint64_t memory_available() { return meminfo("MemAvailable:"); }

double now_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

double processor_seconds() { return clock_seconds(CLOCK_PROCESS_CPUTIME_ID); }

double thread_processor_seconds() { return clock_seconds(CLOCK_THREAD_CPUTIME_ID); }

Machine read_machine() {
  Machine machine;
  utsname name{};
  if (uname(&name) == 0) machine.kernel = std::string(name.sysname) + " " + name.release;
  machine.processor = processor_name();
  machine.cores = std::thread::hardware_concurrency();
  machine.page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  machine.memory_total = meminfo("MemTotal:");
  machine.memory_available = meminfo("MemAvailable:");
  machine.huge_pages = bracketed_word("/sys/kernel/mm/transparent_hugepage/enabled");
  return machine;
}

}  // namespace acre::bench
