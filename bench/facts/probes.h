// What the kernel says of this process, of a range of its addresses, and of its settings, from /proc and
// /sys. Figures are read without malloc, so that reading them changes none of them, and also where no
// mapping can be made any more. Settings are read with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace acre::bench {

// All in bytes, of the whole process.
struct ProcessFigures {
  std::int64_t address_space = 0;  // VmSize
  std::int64_t data = 0;           // VmData: private and writable, touched or not
  std::int64_t page_tables = 0;    // VmPTE
};
ProcessFigures process_figures();

// Of the mappings that lie in a range or reach into it: all of each is counted. Exact, for the kernel walks
// the page tables.
struct RangeFigures {
  std::int64_t vmas = 0;
  std::int64_t mapped = 0;
  std::int64_t resident = 0;
  std::int64_t huge = 0;     // AnonHugePages: resident in pages of 2 MiB, mapped as such
  std::int64_t lazy = 0;     // LazyFree: the kernel may take these pages when it likes
  std::int64_t charged = 0;  // mappings that count to Committed_AS ("ac" in VmFlags)
};
RangeFigures range_figures(const void* start, std::size_t size);

// Mappings by the kernel's own count, which vm.max_map_count limits: lines of /proc/self/maps without the
// page [vsyscall], which is no mapping of the process.
std::int64_t mapping_count();

// Bytes of the range in memory, by mincore: quick also among very many mappings. -1: not all mapped.
std::int64_t resident_by_mincore(const void* start, std::size_t size);

// System-wide, thus noisy: a line of /proc/meminfo in bytes, a counter of /proc/vmstat. -1: there is none.
std::int64_t meminfo_bytes(const char* label);
std::int64_t vmstat(const char* name);
// MemFree and what each processor keeps in lists of its own (/proc/zoneinfo), which may be 100 MiB.
std::int64_t system_free_bytes();

// Kernel objects of a sort, system-wide, from /proc/slabinfo.
struct SlabFigures {
  std::int64_t objects = 0;
  std::int64_t object_bytes = 0;  // 0: not readable (it is for root), or there is no such sort
};
SlabFigures slab_figures(const char* name);

struct KernelSettings {
  std::string huge_pages;     // transparent_hugepage/enabled: always, madvise, never; unknown: none
  std::string huge_pages_2m;  // the same for 2 MiB alone where it differs, else "inherit"
  std::string huge_in_effect;   // of the two, what counts for pages of 2 MiB
  std::string defrag;           // transparent_hugepage/defrag
  std::int64_t huge_bytes = 0;  // what a huge page has; 0: the kernel has none
  std::int64_t max_ptes_none = -1;
  std::int64_t khugepaged_pages = -1;     // that it looks at ...
  std::int64_t khugepaged_sleep_ms = -1;  // ... before it sleeps that long
  std::int64_t max_map_count = -1;
  std::int64_t overcommit = -1;
};
KernelSettings read_kernel_settings();

}  // namespace acre::bench
