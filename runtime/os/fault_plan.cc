#include "runtime/base/check.h"
#include "runtime/os/os.h"

namespace acre::rt {

const char* name_of(OsCall call) {
  switch (call) {
    case OsCall::kReserve: return "reserve";
    case OsCall::kCommit: return "commit";
    case OsCall::kRelease: return "release";
    case OsCall::kDecommit: return "decommit";
    case OsCall::kAdvise: return "advise";
    case OsCall::kPopulate: return "populate";
    case OsCall::kCollapse: return "collapse";
    case OsCall::kUnmap: return "unmap";
    case OsCall::kQuery: return "query";
    case OsCall::kGuard: return "guard";
  }
  return "unknown";
}

void FaultPlan::fail(OsCall call, uint64_t nth, uint64_t how_many) {
  ACRE_CHECK(nth != 0, "the next call is number 1");
  Kind& kind = kinds_[static_cast<size_t>(call)];
  const uint64_t first = kind.calls.load() + nth;
  uint64_t end = 0;
  if (__builtin_add_overflow(first, how_many, &end)) end = UINT64_MAX;
  kind.end.store(0);  // no calls fail while the two words do not belong together
  kind.first.store(first);
  kind.end.store(end);
}

void FaultPlan::clear() {
  for (Kind& kind : kinds_) kind.end.store(0);
}

bool FaultPlan::should_fail(OsCall call) {
  Kind& kind = kinds_[static_cast<size_t>(call)];
  const uint64_t number = kind.calls.fetch_add(1) + 1;
  return number >= kind.first.load() && number < kind.end.load();
}

uint64_t FaultPlan::calls(OsCall call) const {
  return kinds_[static_cast<size_t>(call)].calls.load();
}

}  // namespace acre::rt
