#include "runtime/fiber/overflow.h"

#include "runtime/base/print.h"
#include "runtime/fiber/fiber.h"
#include "runtime/os/faults.h"
#include "runtime/thread/registry.h"

namespace acre::rt {
namespace {

// In a signal handler.
void explain(Addr address) {
  const Thread* thread = my_signals.attachments.load(std::memory_order_relaxed);
  for (; thread != nullptr; thread = thread->next_attachment) {
    const StackPool* pool = thread->registry->stacks();
    const Stack* stack = pool == nullptr ? nullptr : pool->find(address);
    if (stack == nullptr || address >= stack->low) continue;
    Line line;
    line << "acre: stack overflow: ";
    if (stack->fiber != nullptr) {
      line << "fiber " << Addr(stack->fiber);
      const char* name = parts_of(*stack).name;
      if (name[0] != '\0') line << " (" << name << ")";
    } else {
      line << "a coroutine";
    }
    line << " needs more than its stack of " << stack->size() << " at [" << stack->low << ", "
         << stack->high << "): it touched " << address;
    write_stderr(line);
    return;
  }
}

}  // namespace

bool report_overflows() { return install_fault_explainer(&explain); }

void give_signal_stack_to(Thread* thread) {
  if (thread->signal_stack == nullptr) {
    thread->signal_stack = thread->registry->heap().space.meta_alloc(kSignalStack, 4 * kKiB);
  }
  if (thread->signal_stack != nullptr) (void)give_signal_stack(thread->signal_stack);
}

}  // namespace acre::rt
