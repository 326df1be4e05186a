#include "runtime/thread/watchdog.h"

#include "runtime/base/print.h"

namespace acre::rt {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

void print(acre_heap*, const acre_stop_report* report, void*) {
  Line line;
  line << "acre: a stop waits since " << milliseconds(report->waited_ns) << " ms for thread "
       << report->thread_number << " \"" << report->thread_name << "\", "
       << (report->manner == ACRE_THREAD_UNCOOPERATIVE ? "uncooperative" : "cooperative");
  if (report->inside_acre != 0) line << ", in a call of Acre";
  if (report->in_system_call != 0) line << ", in a system call";
  if (report->program_counter == 0) {
    line << ", at an unknown place: it did not answer the signal";
  } else {
    line << ", at " << Hex{report->program_counter};
    if (report->symbol != nullptr) line << " " << report->symbol << "+" << Hex{report->offset};
    if (report->module != nullptr) line << " in " << report->module;
  }
  write_stderr(line);
}

}  // namespace

void Watchdog::set(uint64_t ms, acre_stop_watchdog_fn fn, void* arg) {
  LockGuard guard(lock_);
  fn_ = fn != nullptr ? fn : &print;
  arg_ = arg;
  const bool representable = ms <= UINT64_MAX / kNsPerMs;
  after_ns_.store(representable ? ms * kNsPerMs : UINT64_MAX, std::memory_order_relaxed);
}

void Watchdog::tell(acre_heap* heap, const LateThread& late, uint64_t waited_ns) {
  acre_stop_watchdog_fn fn = nullptr;
  void* arg = nullptr;
  {
    LockGuard guard(lock_);
    fn = fn_;
    arg = arg_;
  }
  const CodePlace place = find_code(late.program_counter);
  const acre_stop_report report = {
      .thread_name = late.name,
      .thread_number = late.number,
      .manner = late.uncooperative ? ACRE_THREAD_UNCOOPERATIVE : ACRE_THREAD_COOPERATIVE,
      .inside_acre = late.inside_acre ? 1 : 0,
      .in_system_call = late.in_system_call ? 1 : 0,
      .waited_ns = waited_ns,
      .program_counter = late.program_counter,
      .symbol = place.symbol,
      .offset = place.offset,
      .module = place.module};
  fn(heap, &report, arg);
}

}  // namespace acre::rt
