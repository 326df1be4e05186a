// RootScanner and RootRange: references that a program keeps in places of its own.
#ifndef ACRE_ROOT_SCANNER_HPP_
#define ACRE_ROOT_SCANNER_HPP_

#include <acre/heap.hpp>

#include <cstddef>
#include <utility>

namespace acre {

// Calls fn(acre::Visitor&) in each collection, which visits what the program keeps where the collector does not
// look. The rules are those of acre_trace_fn: fn allocates nothing, takes no lock, throws nothing, and what it reads is
// whole wherever a thread may stop.
//
// Example:
//   struct Machine {
//     Node* accumulator = nullptr;
//     std::vector<Node*> stack;
//   };
//
//   Machine machine;
//   acre::RootScanner roots(heap, [&machine](acre::Visitor& visitor) {
//     visitor(machine.accumulator);
//     visitor.visit_range(machine.stack.data(), machine.stack.size());
//   });
//   machine.accumulator = thread.make<Node>(nullptr, 1L);
//   machine.stack.push_back(thread.make<Node>(nullptr, 2L));
//   thread.collect();
//   assert(machine.accumulator->value == 1 && machine.stack[0]->value == 2);
template <class Fn>
class RootScanner {
 public:
  // Throws what acre_root_scanner_add reports.
  RootScanner(Heap& heap, Fn fn) : heap_(heap.get()), fn_(std::move(fn)) {
    check(acre_root_scanner_add(heap_, &scan, this));
  }
  ~RootScanner() { (void)acre_root_scanner_remove(heap_, &scan, this); }
  RootScanner(const RootScanner&) = delete;
  RootScanner& operator=(const RootScanner&) = delete;

 private:
  static void scan(acre_visitor* raw, void* self) {
    Visitor visitor(raw);
    static_cast<RootScanner*>(self)->fn_(visitor);
  }

  acre_heap* heap_;
  Fn fn_;
};

// Words of memory that is not the heap's, each a reference, null, or foreign; with `conservative` also numbers. See
// acre_root_add.
//
// Example:
//   static Node* globals[16];
//   acre::RootRange range(heap, globals, sizeof(globals));
//   globals[3] = thread.make<Node>(nullptr, 4L);
//   thread.collect();
//   assert(globals[3]->value == 4);
class RootRange {
 public:
  // Throws what acre_root_add reports.
  RootRange(Heap& heap, void* start, size_t bytes, bool conservative = false)
      : heap_(heap.get()), start_(start) {
    check(acre_root_add(heap_, start, bytes, conservative ? 1 : 0));
  }
  ~RootRange() { (void)acre_root_remove(heap_, start_); }
  RootRange(const RootRange&) = delete;
  RootRange& operator=(const RootRange&) = delete;

 private:
  acre_heap* heap_;
  void* start_;
};

}  // namespace acre

#endif  // ACRE_ROOT_SCANNER_HPP_
