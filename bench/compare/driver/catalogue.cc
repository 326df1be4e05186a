#include "bench/compare/driver/catalogue.h"

#include <algorithm>

namespace acre::bench {
namespace {

constexpr System kSystems[] = {
    {"acre", Family::kAcre, "Acre by its C++ API", "", true, true},
    {"acre_c", Family::kAcre, "Acre by its C API", "", true},
    {"acre_1mark", Family::kAcre, "Acre by its C++ API with ACRE_MARK_THREADS=1", "graph"},
    {"boehm", Family::kCollector, "the Boehm-Demers-Weiser collector, for C", ""},
    {"go", Family::kCollector, "Go", "", true},
    {"java_serial", Family::kCollector, "Java with -XX:+UseSerialGC", ""},
    {"java_parallel", Family::kCollector, "Java with -XX:+UseParallelGC", ""},
    {"java_g1", Family::kCollector, "Java with -XX:+UseG1GC", ""},
    {"glibc", Family::kMalloc, "malloc and free of the C library", "", false, true},
    {"mimalloc", Family::kMalloc, "malloc and free of mimalloc, preloaded", "", false, true},
    {"jemalloc", Family::kMalloc, "malloc and free of jemalloc, preloaded", "", false, true},
    {"tcmalloc", Family::kMalloc, "malloc and free of gperftools' tcmalloc, preloaded", "", false,
     true},
    {"raw", Family::kRaw, "mmap and writes: what growing costs in the kernel", "grow"},
    {"raw_huge", Family::kRaw, "the same with huge pages", "grow"},
    {"go_gosched", Family::kCollector, "goroutines whose turns are the scheduler's", "fibers"},
    {"boost", Family::kRaw, "Boost.Context's jump, on stacks that are there", "fibers"},
    {"boost_protected", Family::kRaw, "the same, on stacks of protected_fixedsize_stack", "fibers"},
};

using enum Workload::By;

constexpr Workload kWorkloads[] = {
    {"binary_trees", "many short-lived binary trees beside one that lives", kAll, false},
    {"gcbench", "trees built top-down and bottom-up beside a tree and an array that live", kAll,
     false},
    {"churn", "a hash table of a million entries whose entries are replaced at random", kAll,
     false},
    {"strings", "buffers of 8 to 519 bytes, filled; one in 16 is kept for a while", kAll, false},
    {"graph", "a full collection of 2^25 nodes linked at random, 2 GiB", kCollectors, false},
    {"list", "a full collection of one list of 2^26 nodes, 2 GiB", kCollectors, false},
    {"grow", "growing to 2^25 live objects of 64 bytes, 2 GiB", kAll, true},
    {"mt_alloc_1", "short-lived objects of 16 to 128 bytes, by one thread", kAll, false},
    {"mt_alloc_2", "the same work by each of two threads", kAll, false},
    {"larson", "two threads that drop what the other one allocated", kAll, false},
    {"large", "objects of 64 KiB to 16 MiB, written a word a page", kAll, false},
    {"frag", "256 MiB of objects whose sizes change in phases", kAll, true},
    {"fibers", "a million fibers, 10,000 at a time: made, ten turns each, finished", kFibers,
     false},
    {"lua_trees", "Lua: binary trees that live shortly, beside one that lives", kLua, false},
    {"lua_strings", "Lua: strings joined, searched, replaced and formatted", kLua, false},
    {"lua_tables", "Lua: tables that grow and lose entries", kLua, false},
    {"lua_closures", "Lua: closures, small objects, coroutines", kLua, false},
    {"lua_json", "Lua: a text of nested values written and read", kLua, false},
    {"lua_nbody", "Lua: arithmetic, and hardly any allocation", kLua, false},
};

template <class Row>
const Row* find(std::span<const Row> rows, std::string_view name) {
  const auto at =
      std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
  return at == rows.end() ? nullptr : &*at;
}

}  // namespace

std::span<const System> all_systems() { return kSystems; }

std::span<const Workload> all_workloads() { return kWorkloads; }

const System* find_system(std::string_view name) { return find(all_systems(), name); }

const Workload* find_workload(std::string_view name) { return find(all_workloads(), name); }

bool runs_on(const Workload& workload, const System& system) {
  if (!system.only.empty()) return workload.name == system.only;
  if (workload.by == Workload::By::kFibers) return system.has_fibers;
  if (workload.by == Workload::By::kLua) return system.has_lua;
  return workload.by == Workload::By::kAll || system.family != Family::kMalloc;
}

}  // namespace acre::bench
