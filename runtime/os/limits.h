// Owns what the system and the container allow this process: how much memory, how many VMAs,
// whether commits are charged, and how much of both is used.
//
// All is read anew at each call, because a container's limit can be changed while it runs. Nothing
// is kept, so any thread may call at any time. No malloc, errno kept, at most 2 KiB of stack: fibers call this.
// (memory_ceiling maps 40 KiB meanwhile.)
//
// memory_ceiling, step by step:
//   1. Physical memory: MemTotal of /proc/meminfo.
//   2. /proc/self/cgroup names the process's groups: "0::<path>" for version 2, and for version 1
//      the line whose controllers have `memory` among them. Both may be there.
//   3. /proc/self/mountinfo says where a hierarchy is mounted, and which of its groups is seen at
//      the mount point (the mount's root). The path below that root, put behind the mount point, is
//      the group's folder.
//   4. From that folder up to the mount point each group's limit is read; the least counts. The
//      limits of version 1 are taken as hierarchical, whatever memory.use_hierarchy says.
//   5. A hierarchy that has no such folder at any of its mounts (a container that sees its own
//      group as the mount point, but the host's path; a path with "..", outside the namespace) is
//      read at its first mount point.
// "max", 0, what is not a number, and version 1's numbers near 2^63 are no limits. memory.high is
// one: a process above it is slowed down until it hardly runs.
//
// `root` stands in front of every path that is opened, so that tests can supply a tree.

#ifndef ACRE_RUNTIME_OS_LIMITS_H_
#define ACRE_RUNTIME_OS_LIMITS_H_

#include <cstdint>

#include "runtime/base/units.h"

namespace acre::rt {

enum class CeilingSource : uint8_t { kNone, kPhysical, kCgroup1, kCgroup2Max, kCgroup2High };
const char* name_of(CeilingSource source);

struct MemoryCeiling {
  ByteCount bytes;  // 0 with kNone: nothing could be read
  CeilingSource source = CeilingSource::kNone;
};

// The least of physical memory and the limits of the process's memory cgroups.
MemoryCeiling memory_ceiling(const char* root = "");

// vm.max_map_count, or its usual value 65530 where that cannot be read.
uint64_t max_map_count(const char* root = "");

// VMAs of this process; 0: cannot be read. The kernel writes a line for each: 60,000 took 20 ms, so
// do not ask once a second without need.
uint64_t count_vmas(const char* root = "");

// vm.overcommit_memory is 2: what is made writable is charged at once.
bool strict_overcommit(const char* root = "");

// What this process has in memory, shared pages included; 0: cannot be read.
ByteCount resident_of_process(const char* root = "");

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_LIMITS_H_
