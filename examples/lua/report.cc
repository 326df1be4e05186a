#include "examples/lua/report.h"

#include <fmt/format.h>

#include <cstdio>

#include "examples/lua/interpreter.h"

namespace acre::lua {
namespace {

std::string kib(uint64_t bytes) {
  return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
}

}  // namespace

void print_states(const std::vector<StateLine>& states) {
  fmt::print("{:<24}{:>14}{:>14}{:>12}{:>12}{:>9}  end\n", "state", "bytes", "peak", "allocated",
             "freed", "refused");
  for (const StateLine& state : states) {
    const Usage& usage = state.at_end;
    fmt::print("{:<24}{:>14}{:>14}{:>12}{:>12}{:>9}  {}\n", state.script, kib(usage.bytes),
               kib(usage.peak), usage.allocations, usage.frees, usage.refused,
               state.error.empty() ? "ok" : "error");
  }
}

void print_heap(acre_heap* heap) {
  acre_stats stats;
  stats.struct_size = sizeof(stats);
  acre_stats_read(heap, &stats);
  fmt::print("\nheap: {} objects in use, {}; {} in spans, {} mapped, {} released, {} resident\n",
             stats.live_objects, kib(stats.heap_alloc), kib(stats.heap_inuse), kib(stats.heap_sys),
             kib(stats.heap_released), kib(acre_resident_bytes(heap)));
  fmt::print("{} collections, {:.3f} ms stopped in all; {} scripts were asked to stop\n",
             stats.num_gc, static_cast<double>(stats.pause_total_ns) / 1e6, stops_by_hook());
  fmt::print("{:>10}{:>14}{:>14}{:>10}\n", "size", "allocated", "freed", "in use");
  for (const acre_class_stats& c : stats.by_size) {
    if (c.mallocs == 0) continue;
    fmt::print("{:>10}{:>14}{:>14}{:>10}\n", c.size == 0 ? "large" : std::to_string(c.size),
               c.mallocs, c.frees, c.mallocs - c.frees);
  }
}

}  // namespace acre::lua
