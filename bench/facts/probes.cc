#include "bench/facts/probes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

namespace acre::bench {
namespace {

// The lines of a file by a buffer of its own: no malloc. A line that is longer than the buffer comes in parts.
template <class Take>
void each_line(const char* path, Take take) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  std::array<char, 8192> buffer;
  std::size_t held = 0;
  for (ssize_t got; (got = read(file, buffer.data() + held, buffer.size() - held)) > 0;) {
    held += static_cast<std::size_t>(got);
    std::size_t from = 0;
    while (const void* end = std::memchr(buffer.data() + from, '\n', held - from)) {
      const auto at = static_cast<std::size_t>(static_cast<const char*>(end) - buffer.data());
      take(std::string_view(buffer.data() + from, at - from));
      from = at + 1;
    }
    if (from == 0 && held == buffer.size()) {
      take(std::string_view(buffer.data(), held));
      from = held;
    }
    std::memmove(buffer.data(), buffer.data() + from, held - from);
    held -= from;
  }
  close(file);
}

std::string_view after_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text;
}

// The number that `text` begins with, after blanks; -1 if it is none.
std::int64_t leading_number(std::string_view text) {
  text = after_blanks(text);
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "VmSize:   123 kB" adds to `bytes` if the label is that one.
void add_kib(std::string_view line, std::string_view label, std::int64_t& bytes) {
  if (line.starts_with(label)) {
    bytes += std::max<std::int64_t>(leading_number(line.substr(label.size())), 0) * 1024;
  }
}

struct Bounds {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

// The addresses in the first line of a mapping in smaps; nothing for the other lines.
bool parse_bounds(std::string_view line, Bounds& bounds) {
  const char* const end = line.data() + line.size();
  Bounds found;  // not at once into `bounds`: "AnonHugePages:" begins with a digit too
  const auto low = std::from_chars(line.data(), end, found.start, 16);
  if (low.ec != std::errc() || low.ptr == end || *low.ptr != '-') return false;
  if (std::from_chars(low.ptr + 1, end, found.end, 16).ec != std::errc()) return false;
  bounds = found;
  return true;
}

std::string first_line(const std::string& path) {
  std::string text;
  each_line(path.c_str(), [&](std::string_view line) {
    if (text.empty()) text = line;
  });
  return text;
}

std::int64_t number_in(const std::string& path) { return leading_number(first_line(path)); }

// "always [madvise] never" gives "madvise".
std::string bracketed_word(const std::string& path) {
  const std::string line = first_line(path);
  const std::size_t open_at = line.find('[');
  const std::size_t close_at = line.find(']');
  if (open_at == std::string::npos || close_at == std::string::npos) return "unknown";
  return line.substr(open_at + 1, close_at - open_at - 1);
}

}  // namespace

ProcessFigures process_figures() {
  ProcessFigures figures;
  each_line("/proc/self/status", [&](std::string_view line) {
    add_kib(line, "VmSize:", figures.address_space);
    add_kib(line, "VmData:", figures.data);
    add_kib(line, "VmPTE:", figures.page_tables);
  });
  return figures;
}

RangeFigures range_figures(const void* start, std::size_t size) {
  const auto low = reinterpret_cast<std::uint64_t>(start);
  const std::uint64_t high = low + size;
  RangeFigures figures;
  bool within = false;
  Bounds bounds;
  each_line("/proc/self/smaps", [&](std::string_view line) {
    if (parse_bounds(line, bounds)) {
      within = bounds.start < high && bounds.end > low;
      if (!within) return;
      ++figures.vmas;
      figures.mapped += static_cast<std::int64_t>(bounds.end - bounds.start);
    }
    if (!within) return;
    add_kib(line, "Rss:", figures.resident);
    add_kib(line, "AnonHugePages:", figures.huge);
    add_kib(line, "LazyFree:", figures.lazy);
    if (line.starts_with("VmFlags:") && line.find(" ac") != std::string_view::npos) {
      figures.charged += static_cast<std::int64_t>(bounds.end - bounds.start);
    }
  });
  return figures;
}

std::int64_t mapping_count() {
  std::int64_t lines = 0;
  each_line("/proc/self/maps", [&](std::string_view line) {
    if (!line.ends_with("[vsyscall]")) ++lines;
  });
  return lines;
}

std::int64_t resident_by_mincore(const void* start, std::size_t size) {
  std::array<unsigned char, 1024> pages;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const char* at = static_cast<const char*>(start);
  std::int64_t in_memory = 0;
  for (std::size_t left = size; left != 0;) {
    const std::size_t slice = std::min(left, page * pages.size());
    if (mincore(const_cast<char*>(at), slice, pages.data()) != 0) return -1;
    for (std::size_t i = 0; i < slice / page; ++i) in_memory += pages[i] & 1;
    at += slice;
    left -= slice;
  }
  return in_memory * static_cast<std::int64_t>(page);
}

std::int64_t meminfo_bytes(const char* label) {
  const std::string_view wanted = label;
  std::int64_t value = -1;
  each_line("/proc/meminfo", [&](std::string_view line) {
    if (line.starts_with(wanted) && line.substr(wanted.size()).starts_with(":")) {
      value = leading_number(line.substr(wanted.size() + 1)) * 1024;
    }
  });
  return value;
}

std::int64_t vmstat(const char* name) {
  const std::string_view wanted = name;
  std::int64_t value = -1;
  each_line("/proc/vmstat", [&](std::string_view line) {
    if (line.starts_with(wanted) && line.substr(wanted.size()).starts_with(" ")) {
      value = leading_number(line.substr(wanted.size()));
    }
  });
  return value;
}

std::int64_t system_free_bytes() {
  std::int64_t pages = 0;
  each_line("/proc/zoneinfo", [&](std::string_view line) {
    line = after_blanks(line);
    if (line.starts_with("count:"))
      pages += std::max<std::int64_t>(leading_number(line.substr(6)), 0);
  });
  return meminfo_bytes("MemFree") + pages * static_cast<std::int64_t>(sysconf(_SC_PAGESIZE));
}

SlabFigures slab_figures(const char* name) {
  const std::string_view wanted = name;
  SlabFigures figures;
  each_line("/proc/slabinfo", [&](std::string_view line) {
    if (!line.starts_with(wanted) || !line.substr(wanted.size()).starts_with(" ")) return;
    // name, objects in use, objects there are, bytes of each
    line = after_blanks(line.substr(wanted.size()));
    figures.objects = leading_number(line);
    for (int i = 0; i < 2; ++i)
      line = after_blanks(line.substr(std::min(line.find(' '), line.size())));
    figures.object_bytes = leading_number(line);
  });
  return figures;
}

KernelSettings read_kernel_settings() {
  const std::string folder = "/sys/kernel/mm/transparent_hugepage/";
  KernelSettings settings;
  settings.huge_pages = bracketed_word(folder + "enabled");
  settings.huge_bytes = std::max<std::int64_t>(number_in(folder + "hpage_pmd_size"), 0);
  const std::string own =
      folder + "hugepages-" + std::to_string(settings.huge_bytes / 1024) + "kB/enabled";
  settings.huge_pages_2m = bracketed_word(own);
  if (settings.huge_pages_2m == "unknown") settings.huge_pages_2m = "inherit";  // before Linux 6.8
  settings.huge_in_effect =
      settings.huge_pages_2m == "inherit" ? settings.huge_pages : settings.huge_pages_2m;
  settings.defrag = bracketed_word(folder + "defrag");
  settings.max_ptes_none = number_in(folder + "khugepaged/max_ptes_none");
  settings.khugepaged_pages = number_in(folder + "khugepaged/pages_to_scan");
  settings.khugepaged_sleep_ms = number_in(folder + "khugepaged/scan_sleep_millisecs");
  settings.max_map_count = number_in("/proc/sys/vm/max_map_count");
  settings.overcommit = number_in("/proc/sys/vm/overcommit_memory");
  return settings;
}

}  // namespace acre::bench
