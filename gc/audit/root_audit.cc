#include "gc/audit/root_audit.h"

#include <algorithm>

#include "gc/audit/return_address.h"
#include "gc/mark/stack_scan.h"
#include "runtime/base/print.h"
#include "runtime/base/raw_memory.h"
#include "runtime/inspect/walk.h"
#include "runtime/os/code_place.h"
#include "runtime/thread/fake_stack.h"

namespace acre::gc {

using rt::Addr;
using rt::Fiber;
using rt::is_suspended;
using rt::ObjectRef;
using rt::parts_of;
using rt::Span;
using rt::stack_of;
using rt::Thread;

namespace {

// Of the call, not of what comes behind it, which may be another function.
rt::CodePlace place_of_call(uintptr_t return_address) {
  return rt::find_code(return_address == 0 ? 0 : return_address - 1);
}

uintptr_t start_of_function(uintptr_t return_address) {
  const rt::CodePlace place = place_of_call(return_address);
  return place.symbol != nullptr ? return_address - 1 - place.offset : return_address;
}

void print_place(rt::Line& line, uintptr_t return_address) {
  const rt::CodePlace place = place_of_call(return_address);
  if (place.symbol != nullptr) {
    line << place.symbol << "+" << rt::Hex{place.offset + 1};
  } else if (place.module != nullptr) {
    line << place.module << "+" << rt::Hex{place.offset + 1};
  } else {
    line << "the code at " << rt::Hex{return_address};
  }
}

}  // namespace

bool SeenPairs::add(uintptr_t first, uintptr_t second) {
  for (const Pair& pair : pairs_) {
    if (pair.first == first && pair.second == second) return false;
  }
  pairs_[next_++ % kMost] = {first, second};
  return true;
}

uint64_t RootAudit::look(rt::ThreadRegistry& threads) {
  code_.read();
  threads.for_each([this](const Thread& thread) { look_at_thread(thread); });
  look_at_fibers();
  return found_;
}

void RootAudit::look_at_thread(const Thread& thread) {
  thread_ = thread.signals->number.load(std::memory_order_relaxed);
  // In a blocking region the registers are what they were at its begin, which returns to the word at sp.
  const uintptr_t sp = thread.stack_pointer;
  if (sp != rt::kNoStackPointer) {
    for (const uintptr_t& saved : thread.registers) {
      look_at_word({Addr(&saved).raw, rt::read_raw(sp), sp + sizeof(void*), thread.stack_high.raw});
    }
  }
  const bool inside = thread.signals->inside.load(std::memory_order_relaxed) != 0;
  uintptr_t frame = inside ? thread.signals->frame : 0;
  rt::for_each_stack(thread,
                     [&](Fiber*, uintptr_t from, uintptr_t low, uintptr_t high, void* fake) {
                       if (low <= from && from <= high) look_at_stack(from, high, fake, frame);
                       frame = 0;  // of the innermost stack only
                     });
}

void RootAudit::look_at_fibers() {
  thread_ = 0;
  const acre_kind kind = heap_.fiber_kind.load(std::memory_order_relaxed);
  for_each_span(heap_.space, [&](const Span& span) {
    if (span.kind != kind || span.is_large()) return true;
    return for_each_object(heap_.space, span, [&](Addr object) {
      const auto& fiber = *object.as<const Fiber>();
      const bool marked = rt::bits::test(heap_.space.mark_words(), heap_.space.granule_of(object));
      if (marked && is_suspended(fiber)) {
        const rt::Stack& stack = *stack_of(fiber);
        look_at_stack(lowest_used(fiber), stack.high.raw, parts_of(stack).fake_stack, 0);
      }
      return true;
    });
  });
}

// 0: there is none.
uintptr_t RootAudit::first_return_address(uintptr_t sp, uintptr_t high) const {
  for (uintptr_t at = sp; at < high; at += sizeof(void*)) {
    if (is_return_address(code_, rt::read_raw(at))) return rt::read_raw(at);
  }
  return 0;
}

void RootAudit::look_at_stack(uintptr_t sp, uintptr_t high, void* fake_stack, uintptr_t frame) {
  uintptr_t at = rt::align_up(sp, sizeof(void*));
  // Where the call of Acre returns to: its caller's frame is above.
  const bool in_call = at <= frame && frame < high - sizeof(void*);
  const uintptr_t callers_frame = in_call ? frame + sizeof(void*) : at;
  uintptr_t function = in_call ? rt::read_raw(callers_frame) : first_return_address(at, high);
  for (; at + sizeof(void*) <= high; at += sizeof(void*)) {
    const uintptr_t word = rt::read_raw(at);
    if (at >= callers_frame && is_return_address(code_, word)) {
      function = word;
      continue;
    }
    Slot slot{at, function, std::max(at, callers_frame + sizeof(void*)), high};
    look_at_word(slot);
    uintptr_t end = 0;
    if (!rt::in_fake_stack(fake_stack, word, &slot.address, &end)) continue;
    for (; slot.address < end; slot.address += sizeof(void*)) look_at_word(slot);
  }
}

void RootAudit::look_at_word(const Slot& slot) {
  const rt::Space& space = heap_.space;
  const ObjectRef object = find_object(space, Addr(rt::read_raw(slot.address)));
  if (!object || object.span->explicitly_freed) return;
  if (rt::bits::test(space.mark_words(), space.granule_of(object.base))) return;
  if (objects_.add(object.base.raw, slot.function)) tell(object, slot);
}

void RootAudit::tell(const ObjectRef& object, const Slot& slot) {
  const uintptr_t start = start_of_function(slot.function);
  if (places_ != nullptr && !places_->add(start, object.span->kind)) return;
  ++found_;
  if (report_ == nullptr) return;
  const rt::Kind& kind = heap_.kinds.get(object.span->kind);
  rt::Line line;
  line << "only a stack holds the object " << object.base << " of kind " << kind.name;
  if (kind.header_words != 0) line << ", header " << rt::Hex{rt::read_raw(object.base.raw)};
  line << ": the slot " << Addr(slot.address) << ", in ";
  print_place(line, slot.function);
  const uintptr_t caller = first_return_address(slot.above, slot.high);
  if (caller != 0) print_place(line << ", called from ", caller);
  if (thread_ != 0) {
    line << ", thread " << thread_;
  } else {
    line << ", a suspended fiber";
  }
  report_(line.c_str(), arg_);
}

}  // namespace acre::gc
