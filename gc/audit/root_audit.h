// Owns the root audit of precise mode (conservative_stacks=0): which objects does only a stack hold? A debug aid for
// embedders: an object that is no root although the program goes on to use it is a fault that shows late.
//
// After exact marking all stacks are scanned as if they were roots: of threads, from where they stopped, of the
// fibers that run on them, and of suspended fibers that are marked. A word that leads to an object without a mark is
// a finding. Its function is that of the nearest return address below it: the word is in the frame of the
// function that the address leads into. It may be a register that this function saves for its caller, so that
// one, by the next return address, is told as well. What lies below the call of Acre that the thread is in
// (ThreadSignals::frame) are registers of its caller that Acre has saved, and Acre's own frames: both count as
// that caller's.
//
// What a stack holds may be old: a variable that is no more used, a slot not yet written. So a finding is a
// question, not a proof.
//
// World stopped. Nothing of this allocates.

#ifndef ACRE_GC_AUDIT_ROOT_AUDIT_H_
#define ACRE_GC_AUDIT_ROOT_AUDIT_H_

#include "acre/acre.h"
#include "runtime/fiber/fiber.h"
#include "runtime/heap/heap.h"
#include "runtime/os/code_ranges.h"
#include "runtime/thread/registry.h"

namespace acre::gc {

// Pairs of two words that were seen; the oldest are forgotten. For findings that are told once.
class SeenPairs {
 public:
  // Whether it is new. It is known from now on.
  bool add(uintptr_t first, uintptr_t second);

 private:
  static constexpr unsigned kMost = 256;
  struct Pair {
    uintptr_t first;
    uintptr_t second;
  };
  Pair pairs_[kMost];
  unsigned next_;
};

class RootAudit {
 public:
  // `report` may be NULL. `places`: if not NULL, of each function and kind in it only one finding is ever told, or
  // counted; else of each object one in each function.
  RootAudit(const rt::Heap& heap, acre_report_fn report, void* arg, SeenPairs* places)
      : heap_(heap), report_(report), arg_(arg), places_(places) {}

  // What exact roots reach is marked, and nothing else. Returns the number of findings.
  uint64_t look(rt::ThreadRegistry& threads);

 private:
  void look_at_thread(const rt::Thread& thread);
  void look_at_fibers();
  // A word on a stack, and whose.
  struct Slot {
    uintptr_t address;
    uintptr_t function;  // a return address
    uintptr_t above;     // from here up to `high`, return addresses are those of callers
    uintptr_t high;
  };
  // `frame`: of the call of Acre at the end of this stack; 0: there is none.
  void look_at_stack(uintptr_t sp, uintptr_t high, void* fake_stack, uintptr_t frame);
  uintptr_t first_return_address(uintptr_t sp, uintptr_t high) const;
  void look_at_word(const Slot& slot);
  void tell(const rt::ObjectRef& object, const Slot& slot);

  const rt::Heap& heap_;
  acre_report_fn report_;
  void* arg_;
  SeenPairs* places_;
  uint64_t found_ = 0;
  int64_t thread_ = 0;  // 0: a suspended fiber's stack
  rt::CodeRanges code_{};
  SeenPairs objects_{};
};

}  // namespace acre::gc

#endif  // ACRE_GC_AUDIT_ROOT_AUDIT_H_
