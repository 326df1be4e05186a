// Generators: fibers that yield one number after another, made of each other.
//
// A fiber is a function with a stack of its own, which can stop in the middle (yield) and be told to go on
// (resume). That is all that a generator is: a loop that yields what it finds. Nothing here is ever freed: a
// generator is an object of the heap, and one that nobody asks any more is collected, with its stack, and with
// the generators that only it asks.
#include <acre/acre.hpp>
#include <cstdio>
#include <optional>

namespace {

using acre::Fiber;
using acre::Thread;

// What goes through yield and resume is a pointer, to an object mostly. A number can stand in its place.
void give(Fiber& self, long number) { self.yield(reinterpret_cast<void*>(number)); }

// The next number; nothing when the generator has come to its end.
std::optional<long> next(Thread& thread, Fiber* generator) {
  if (generator->done()) return std::nullopt;
  void* given = generator->resume(thread);
  if (generator->done()) return std::nullopt;
  return reinterpret_cast<long>(given);
}

// first, first + 1, ... without end.
Fiber* numbers(Thread& thread, long first) {
  return acre::make_fiber(thread, [first](Fiber& self) {
    for (long number = first;; ++number) give(self, number);
  });
}

// Those of `source` that `wanted` says yes to. What the function captures lies on the fiber's stack, which is
// scanned: so `source` lives as long as this generator.
template <class Wanted>
Fiber* filter(Thread& thread, Fiber* source, Wanted wanted) {
  return acre::make_fiber(thread, [source, wanted](Fiber& self) {
    while (const std::optional<long> number = next(self.thread(), source)) {
      if (wanted(*number)) give(self, *number);
    }
  });
}

// The first `count` of them.
Fiber* take(Thread& thread, Fiber* source, int count) {
  return acre::make_fiber(thread, [source, count](Fiber& self) {
    for (int left = count; left > 0; --left) {
      const std::optional<long> number = next(self.thread(), source);
      if (!number) return;
      give(self, *number);
    }
  });
}

// The sieve of Eratosthenes: behind each prime a filter is set up that stops its multiples, so that a number
// that comes through all of them is the next prime. It takes as many fibers as it finds primes.
Fiber* primes(Thread& thread) {
  return acre::make_fiber(thread, [](Fiber& self) {
    Fiber* candidates = numbers(self.thread(), 2);
    while (const std::optional<long> prime = next(self.thread(), candidates)) {
      give(self, *prime);
      candidates = filter(self.thread(), candidates,
                          [divisor = *prime](long number) { return number % divisor != 0; });
    }
  });
}

void print(Thread& thread, const char* what, Fiber* generator) {
  std::printf("%-24s", what);
  while (const std::optional<long> number = next(thread, generator)) std::printf(" %ld", *number);
  std::printf("\n");
}

// Not inlined: when it returns, no reference to a generator is left on the stack.
[[gnu::noinline]] void print_some(Thread& thread) {
  const auto odd = [](long number) { return number % 2 != 0; };
  const auto square = [](long number) {
    long root = 0;
    while (root * root < number) ++root;
    return root * root == number;
  };
  print(thread, "numbers:", take(thread, numbers(thread, 1), 15));
  print(thread, "odd numbers:", take(thread, filter(thread, numbers(thread, 1), odd), 15));
  print(thread, "odd squares:",
        take(thread, filter(thread, filter(thread, numbers(thread, 1), square), odd), 12));
  print(thread, "primes:", take(thread, primes(thread), 20));
}

}  // namespace

int main() {
  acre::Heap heap;
  Thread thread(heap);
  print_some(thread);
  // Most of them are in the middle of an endless loop, and nobody refers to them.
  for (int i = 0; i < 1000; ++i) numbers(thread, i);
  const auto stacks = [&] { return static_cast<unsigned long>(heap.stats().stacks); };
  const unsigned long before = stacks();
  thread.collect();
  std::printf("%lu generators were under way; ", before);
  std::printf("a collection found that %s could ever be asked again\n",
              stacks() < before / 10 ? "hardly any" : "many");
}
