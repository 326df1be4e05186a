// runtime/thread: what an attached thread pays while nobody collects, and attaching.

#include <benchmark/benchmark.h>

#include <thread>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

// acre_safepoint: the inline check, nobody stops the world.
void safepoint(benchmark::State& state) {
  MicroHeap micro;
  acre_thread* thread = micro.thread;
  for (auto _ : state) {
    acre_safepoint(thread);
    benchmark::ClobberMemory();
  }
}

// acre_safepoint_slow, nobody stops the world: what each slow allocation calls.
void safepoint_slow(benchmark::State& state) {
  MicroHeap micro;
  for (auto _ : state) acre_safepoint_slow(micro.thread);
}

// acre_blocking_begin and end: registers spilled, the state set, and back.
void blocking(benchmark::State& state) {
  MicroHeap micro;
  for (auto _ : state) {
    acre_blocking_begin(micro.thread);
    acre_blocking_end(micro.thread);
  }
}

// The same within a blocking region.
void blocking_nested(benchmark::State& state) {
  MicroHeap micro;
  const Blocking outer(micro.thread);
  for (auto _ : state) {
    acre_blocking_begin(micro.thread);
    acre_blocking_end(micro.thread);
  }
}

void attach_and_detach(benchmark::State& state, Heap& heap) {
  for (auto _ : state) {
    acre_thread* thread = nullptr;
    check(acre_thread_attach(heap, &thread));
    check(acre_thread_detach(thread));
  }
}

// acre_thread_attach and detach, by the main thread: libc reads /proc/self/maps to know its stack.
void attach_main(benchmark::State& state) {
  Heap heap(quiet_options());
  attach_and_detach(state, heap);
}

// The same by any other thread: a record taken and given back.
void attach_other(benchmark::State& state) {
  Heap heap(quiet_options());
  std::thread([&] { attach_and_detach(state, heap); }).join();
}

// The same with one object allocated in between: a cache is filled and flushed.
void attach_alloc(benchmark::State& state) {
  Heap heap(quiet_options());
  const auto loop = [&] {
    for (auto _ : state) {
      acre_thread* thread = nullptr;
      check(acre_thread_attach(heap, &thread));
      benchmark::DoNotOptimize(acre_alloc(thread, 64, ACRE_KIND_CONSERVATIVE));
      check(acre_thread_detach(thread));
    }
  };
  std::thread(loop).join();
}

// By a thread that is attached already: a count.
void attach_again(benchmark::State& state) {
  MicroHeap micro;
  for (auto _ : state) {
    acre_thread* thread = nullptr;
    check(acre_thread_attach(micro.heap, &thread));
    check(acre_thread_detach(thread));
  }
}

// acre_thread_current: the thread-specific key.
void current(benchmark::State& state) {
  MicroHeap micro;
  for (auto _ : state) benchmark::DoNotOptimize(acre_thread_current(micro.heap));
}

BENCHMARK(safepoint)->Name("thread/safepoint");
BENCHMARK(safepoint_slow)->Name("thread/safepoint_slow");
BENCHMARK(blocking)->Name("thread/blocking");
BENCHMARK(blocking_nested)->Name("thread/blocking/nested");
BENCHMARK(attach_main)->Name("thread/attach/main");
BENCHMARK(attach_other)->Name("thread/attach/other");
BENCHMARK(attach_alloc)->Name("thread/attach/other_alloc");
BENCHMARK(attach_again)->Name("thread/attach/again");
BENCHMARK(current)->Name("thread/current");

}  // namespace
}  // namespace acre::bench
