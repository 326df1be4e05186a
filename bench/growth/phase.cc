#include "bench/growth/phase.h"

#include <algorithm>
#include <utility>

#include "bench/growth/process.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

void read_slow(Edge& edge, acre_heap* heap) {
  edge.resident = resident_exact();
  edge.vmas = vma_count();
  if (heap != nullptr) edge.heap_resident = acre_resident_bytes(heap);
}

void read_counters(Edge& edge, acre_heap* heap) {
  edge.stats.struct_size = sizeof edge.stats;
  if (heap != nullptr) acre_stats_read(heap, &edge.stats);
  edge.minor_faults = minor_faults();
}

std::int64_t difference(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a - b);
}

double seconds_of(std::uint64_t ns) { return static_cast<double>(ns) * 1e-9; }

}  // namespace

Edge Edge::at_end(acre_heap* heap) {
  Edge edge;
  edge.seconds = now_seconds();
  edge.processor = processor_seconds();
  read_counters(edge, heap);
  read_slow(edge, heap);
  return edge;
}

Edge Edge::at_start(acre_heap* heap) {
  Edge edge;
  read_slow(edge, heap);
  read_counters(edge, heap);
  edge.processor = processor_seconds();
  edge.seconds = now_seconds();
  return edge;
}

double PhaseFigures::bytes_per_second() const {
  return ratio(static_cast<double>(allocated), seconds);
}

PhaseFigures figures_of(std::string name, const Edge& before_heap, const Edge& start,
                        const Edge& end, std::uint64_t live, std::uint64_t seen_pause_ns) {
  const acre_stats& from = start.stats;
  const acre_stats& to = end.stats;
  PhaseFigures f;
  f.name = std::move(name);
  f.start = start.seconds - before_heap.seconds;
  f.seconds = end.seconds - start.seconds;
  f.processor_seconds = end.processor - start.processor;
  f.allocated = to.total_alloc - from.total_alloc;
  f.minor_faults = end.minor_faults - start.minor_faults;
  f.collections = to.num_gc - from.num_gc;
  f.pause_total = seconds_of(to.pause_total_ns - from.pause_total_ns);
  if (f.collections != 0) {
    const bool record = to.pause_max_ns > from.pause_max_ns;
    const double mean = f.pause_total / static_cast<double>(f.collections);
    const double last = seconds_of(to.pause_last_ns);
    f.pause_longest =
        record ? seconds_of(to.pause_max_ns) : std::max({seconds_of(seen_pause_ns), mean, last});
  }
  f.reserved = to.reserved;
  f.mapped = to.mapped;
  f.in_use = to.heap_inuse;
  f.heap_alloc = to.heap_alloc;
  f.live_after_gc = to.live_after_gc;
  f.live = live;
  f.released = to.heap_released;
  f.resident = difference(end.resident, before_heap.resident);
  f.heap_resident = end.heap_resident;
  f.vmas = difference(end.vmas, before_heap.vmas);
  f.heap_vmas = to.vmas;
  return f;
}

}  // namespace acre::bench
