// The systems and the workloads that the comparison knows, a row each. Which program is a system's, and
// how it is started, is in programs.h.
#pragma once

#include <span>
#include <string_view>

namespace acre::bench {

enum class Family {
  kAcre,
  kCollector,  // another garbage-collected heap
  kMalloc,     // malloc and free
  kRaw,        // the limit: mmap alone, switches of stacks alone
};

struct System {
  std::string_view name;
  Family family;
  std::string_view what;
  std::string_view only;  // the one workload it runs; empty: all that its family runs
  bool has_fibers = false;
  bool has_lua = false;
};

struct Workload {
  std::string_view name;
  std::string_view what;
  enum class By { kAll, kCollectors, kFibers, kLua } by;
  bool shows_live;  // peak resident / live is a figure of interest
};

// In the order in which they are run and shown.
std::span<const System> all_systems();
std::span<const Workload> all_workloads();

// Null for an unknown name.
const System* find_system(std::string_view name);
const Workload* find_workload(std::string_view name);

bool runs_on(const Workload& workload, const System& system);

}  // namespace acre::bench
