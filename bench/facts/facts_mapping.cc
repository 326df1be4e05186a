// What mmap costs before anything is touched, and what MAP_FIXED does to what was there.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "bench/facts/facts.h"
#include "bench/facts/memory.h"
#include "bench/facts/probes.h"
#include "bench/growth/process.h"

namespace acre::bench {
namespace {

constexpr std::size_t kEach = 64 * kKiB;
// From here on our mappings show among those of the system.
constexpr std::int64_t kManyMappings = 1000;

// Many mappings with a gap behind each, so that none merge.
struct Cost {
  std::int64_t count = 0;
  int error = 0;
  std::int64_t address_space = 0;
  std::int64_t page_tables = 0;
  std::int64_t vmas = 0;
  std::int64_t resident = 0;
  double seconds = 0;
  SlabFigures vma_objects;  // the change of those in use
  SlabFigures tree_nodes;
};

SlabFigures minus(SlabFigures after, const SlabFigures& before) {
  after.objects -= before.objects;
  return after;
}

// Nothing in here may use malloc: its mappings would be counted, or lie in the gaps.
Cost measure_cost(char* hole, std::int64_t count) {
  Cost cost;
  cost.count = count;
  const std::size_t span = static_cast<std::size_t>(count) * 2 * kEach;
  const SlabFigures objects = slab_figures("vm_area_struct");
  const SlabFigures nodes = slab_figures("maple_node");
  const std::int64_t vmas = mapping_count();
  const ProcessFigures before = process_figures();
  const double start = now_seconds();
  for (std::size_t at = 0; at < span && cost.error == 0; at += 2 * kEach) {
    cost.error = map_at(hole + at, kEach, kReadWrite);
  }
  cost.seconds = now_seconds() - start;
  const ProcessFigures after = process_figures();
  if (count >= kManyMappings) usleep(100'000);  // for nodes of the tree that wait to be freed
  cost.vma_objects = minus(slab_figures("vm_area_struct"), objects);
  cost.tree_nodes = minus(slab_figures("maple_node"), nodes);
  cost.address_space = after.address_space - before.address_space;
  cost.page_tables = after.page_tables - before.page_tables;
  cost.vmas = mapping_count() - vmas;
  cost.resident = range_figures(hole, span).resident;
  unmap(hole, span);
  return cost;
}

std::string kernel_memory(const Cost& cost) {
  const SlabFigures& vma = cost.vma_objects;
  if (vma.object_bytes <= 0) return "kernel memory: unknown, /proc/slabinfo is not for us to read";
  if (cost.count < kManyMappings)
    return fmt::format("kernel memory: a VMA is {} bytes", vma.object_bytes);
  std::string text =
      fmt::format("kernel memory: VMAs +{} of {} bytes",
                  count_text(std::max<std::int64_t>(vma.objects, 0)), vma.object_bytes);
  if (cost.tree_nodes.object_bytes > 0) {
    text += fmt::format(", nodes of their tree {:+} of {} bytes", cost.tree_nodes.objects,
                        cost.tree_nodes.object_bytes);
  }
  return text + " (of the whole system)";
}

void report_cost(Findings& findings, const Cost& cost) {
  const std::string claim = fmt::format(
      "{} untouched read-write mapping{} of 64 KiB cost{} address space and a VMA each, but no "
      "page and no page table",
      count_text(cost.count), cost.count == 1 ? "" : "s", cost.count == 1 ? "s" : "");
  if (cost.error != 0) {
    findings.not_applicable(claim, "mmap: " + result_text(cost.error));
    return;
  }
  const std::string text =
      fmt::format("address space {}, VMAs +{}, page tables {}, resident {}; {} a call; {}",
                  change(cost.address_space), count_text(cost.vmas), change(cost.page_tables),
                  change(cost.resident), short_time(cost.seconds / static_cast<double>(cost.count)),
                  kernel_memory(cost));
  const bool holds = cost.address_space == cost.count * static_cast<std::int64_t>(kEach) &&
                     cost.vmas == cost.count && cost.page_tables == 0 && cost.resident == 0;
  Numbers numbers = {
      {"mappings", cost.count},
      {"address_space_bytes", cost.address_space},
      {"vmas", cost.vmas},
      {"page_table_bytes", cost.page_tables},
      {"resident_bytes", cost.resident},
      {"nanoseconds_each",
       static_cast<std::int64_t>(cost.seconds * 1e9 / static_cast<double>(cost.count))}};
  if (cost.vma_objects.object_bytes > 0) {
    numbers.emplace_back("kernel_bytes_of_a_vma", cost.vma_objects.object_bytes);
    numbers.emplace_back("system_vma_objects", cost.vma_objects.objects);
  }
  findings.judge(claim, text, holds, numbers);
}

void report_first_writes(Findings& findings, char* hole) {
  constexpr std::int64_t kCount = 100;
  const std::size_t span = kCount * 2 * kEach;
  for (std::size_t at = 0; at < span; at += 2 * kEach) map_at(hole + at, kEach, kReadWrite);
  const ProcessFigures before = process_figures();
  for (std::size_t at = 0; at < span; at += 2 * kEach) fill(hole + at, 1, 1);
  const ProcessFigures after = process_figures();
  const std::int64_t resident = range_figures(hole, span).resident;
  unmap(hole, span);
  const std::int64_t tables = after.page_tables - before.page_tables;
  findings.judge(
      "one byte written to each of 100 such mappings takes one page each (without huge pages), and "
      "page tables",
      fmt::format("resident {}, page tables {}", change(resident), change(tables)),
      resident == kCount * static_cast<std::int64_t>(page_bytes()) && tables > 0,
      {{"resident_bytes", resident}, {"page_table_bytes", tables}});
}

// Three mappings of 1 MiB, the middle one without access, a hole, and one more: 5 MiB.
constexpr std::size_t kUnion = 5 * kMiB;
void make_union(char* zone) {
  map_at(zone, kUnion, kReadWrite);
  touch_pages(zone, kUnion);
  protect(zone + kMiB, kMiB, PROT_NONE);
  unmap(zone + 3 * kMiB, kMiB);
}

void report_map_over_whole(Findings& findings) {
  constexpr std::size_t kSize = 8 * kMiB;
  char* zone = make_zone(kSize);
  fill(zone, kSize, 7);
  const RangeFigures before = range_figures(zone, kSize);
  const std::int64_t space = process_figures().address_space;
  const int error = map_at(zone, kSize, kReadWrite);
  const RangeFigures after = range_figures(zone, kSize);
  const std::int64_t space_change = process_figures().address_space - space;
  const bool zero = all_bytes_are(zone, kSize, 0);
  findings.judge(
      "MAP_FIXED over a mapping drops its pages and gives their memory back at once",
      fmt::format(
          "8 MiB written: resident {} before, {} after; reads {}; VMAs {} and {}, address space {}",
          size_text(before.resident), size_text(after.resident), zero ? "zero" : "NOT zero",
          before.vmas, after.vmas, change(space_change)),
      error == 0 && before.resident == static_cast<std::int64_t>(kSize) && after.resident == 0 &&
          zero && after.vmas == before.vmas && space_change == 0,
      {{"resident_before_bytes", before.resident}, {"resident_after_bytes", after.resident}});
}

void report_map_over_part(Findings& findings) {
  constexpr std::size_t kSize = 8 * kMiB;
  char* zone = make_zone(kSize);
  fill(zone, kSize, 7);
  const int error = map_at(zone + 2 * kMiB, 2 * kMiB, kReadWrite);
  const RangeFigures after = range_figures(zone, kSize);
  const bool kept = all_bytes_are(zone, 2 * kMiB, 7) && all_bytes_are(zone + 4 * kMiB, 4 * kMiB, 7);
  const bool zero = all_bytes_are(zone + 2 * kMiB, 2 * kMiB, 0);
  findings.judge(
      "MAP_FIXED over a part leaves the rest as it was",
      fmt::format("2 of 8 MiB: resident {} after; the part reads {}, the rest is {}; VMAs {}",
                  size_text(after.resident), zero ? "zero" : "NOT zero", kept ? "kept" : "NOT kept",
                  after.vmas),
      error == 0 && after.resident == static_cast<std::int64_t>(6 * kMiB) && zero && kept,
      {{"resident_after_bytes", after.resident}, {"vmas_after", after.vmas}});
}

void report_map_over_union(Findings& findings) {
  char* zone = make_zone(kUnion, PROT_NONE);
  make_union(zone);
  const RangeFigures before = range_figures(zone, kUnion);
  const int error = map_at(zone, kUnion, kReadWrite);
  const RangeFigures after = range_figures(zone, kUnion);
  findings.judge("MAP_FIXED over several mappings and a hole makes one mapping of them",
                 fmt::format("VMAs {} before, {} after; resident {} before, {} after", before.vmas,
                             after.vmas, size_text(before.resident), size_text(after.resident)),
                 error == 0 && before.vmas == 4 && after.vmas == 1 && after.resident == 0);
}

void report_no_replace(Findings& findings) {
  char* zone = make_zone(kMiB);
  fill(zone, kMiB, 7);
  const std::string claim = "MAP_FIXED_NOREPLACE refuses where something is mapped (Linux 4.17)";
  const int error = map_new_at(zone, kMiB, kReadWrite);
  if (error == -1) {
    findings.not_applicable(claim, "this kernel does not know it");
    return;
  }
  const bool kept = all_bytes_are(zone, kMiB, 7);
  findings.judge(
      claim, fmt::format("{}; the content is {}", result_text(error), kept ? "kept" : "NOT kept"),
      error == EEXIST && kept);
}

}  // namespace

void fact_mapping_cost(Findings& findings) {
  small_pages_only();
  constexpr std::size_t kMost = 10000 * 2 * kEach;
  char* hole = make_zone(kMost, PROT_NONE, MAP_NORESERVE);
  unmap(hole, kMost);
  measure_cost(hole, 1);  // the first time, our own code and stack are paged in
  const Cost costs[] = {measure_cost(hole, 1), measure_cost(hole, 100), measure_cost(hole, 10000)};
  close_zone(hole, kMost);
  for (const Cost& cost : costs) report_cost(findings, cost);
  report_first_writes(findings, hole);
}

void fact_map_over(Findings& findings) {
  small_pages_only();
  report_map_over_whole(findings);
  report_map_over_part(findings);
  report_map_over_union(findings);
  report_no_replace(findings);
}

}  // namespace acre::bench
