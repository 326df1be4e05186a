// What happens when an object dies: set_finalizer, Cleanup. Both run when the program calls Thread::run_finalizers, and at no
// other time. The C calls, and the order of finalizers, are in weak.h.
#ifndef ACRE_FINALIZER_HPP_
#define ACRE_FINALIZER_HPP_

#include <acre/thread.hpp>

#include <type_traits>
#include <utility>

namespace acre {

enum class FinalizerOrder {
  kByNeed,    // before those of the objects that it refers to
  kUnordered  // as soon as the object is found dead
};

namespace detail {

template <class T>
void finalize(void* object, void* fn) {
  reinterpret_cast<void (*)(T&)>(fn)(*static_cast<T*>(object));
}

}  // namespace detail

// fn is called once with an object that was found dead, and may keep it by storing it somewhere. It is a function or a
// lambda that captures nothing, and must not throw. Null: none any more. ACRE_E_INVALID, ACRE_E_NOMEM: see
// acre_finalizer_set.
template <class T>
acre_status try_set_finalizer(Thread& thread, T* object, std::type_identity_t<void (*)(T&)> fn,
                              FinalizerOrder order = FinalizerOrder::kByNeed) {
  const auto set =
      order == FinalizerOrder::kByNeed ? &acre_finalizer_set : &acre_finalizer_set_unordered;
  const acre_finalizer_fn call = fn == nullptr ? nullptr : &detail::finalize<T>;
  return set(thread, object, call, reinterpret_cast<void*>(fn));
}
// The same; throws OutOfMemory or Error.
//
// Example (precise):
//   struct File {  // its destructor would not run
//     std::FILE* stream;
//   };
//
//   static int closed = 0;
//   closed = 0;
//   auto* file = thread.make<File>(std::fopen("/dev/null", "r"));
//   acre::set_finalizer(thread, file, [](File& dead) {
//     std::fclose(dead.stream);
//     ++closed;
//   });
//   thread.collect();
//   if (heap.finalizers_waiting() != 0) thread.run_finalizers();
//   assert(closed == 1);
template <class T>
void set_finalizer(Thread& thread, T* object, std::type_identity_t<void (*)(T&)> fn,
                   FinalizerOrder order = FinalizerOrder::kByNeed) {
  check(try_set_finalizer(thread, object, fn, order));
}

// Calls fn() once when the object has gone, which it cannot bring back; an object may have several. The Cleanup lies
// outside the heap, and takes fn back when it ends first. fn must not throw. Ends on a thread that runs finalizers, or
// while none does.
//
// Example (precise):
//   int cleaned = 0;
//   acre::Local<Node> node(thread, thread.make<Node>());
//   acre::Cleanup cleanup(thread, node.get(), [&cleaned] { ++cleaned; });
//   node = nullptr;
//   thread.collect();
//   thread.run_finalizers();
//   assert(cleaned == 1);
template <class Fn>
class Cleanup {
 public:
  // Throws OutOfMemory, or Error if `object` is not the address of an object.
  Cleanup(Thread& thread, void* object, Fn fn) : fn_(std::move(fn)) {
    check(acre_cleanup_add(thread, object, &call, this, &cleanup_));
  }
  ~Cleanup() { acre_cleanup_cancel(cleanup_); }
  Cleanup(const Cleanup&) = delete;
  Cleanup& operator=(const Cleanup&) = delete;

 private:
  static void call(void* self) { static_cast<Cleanup*>(self)->fn_(); }

  Fn fn_;
  acre_cleanup* cleanup_ = nullptr;
};

}  // namespace acre

#endif  // ACRE_FINALIZER_HPP_
