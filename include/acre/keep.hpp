// What a Thread holds while it allocates, where stacks are not scanned: the references that it was given. (Where they are,
// `make` itself holds them on its stack.)
#ifndef ACRE_KEEP_HPP_
#define ACRE_KEEP_HPP_

#include <acre/acre.h>

#include <array>
#include <cstddef>
#include <type_traits>

namespace acre::detail {

inline acre_thread_inline& inline_fields(acre_thread* thread) {
  return *reinterpret_cast<acre_thread_inline*>(thread);
}

// Roots until the end of its scope.
template <size_t count>
class Holding {
 public:
  Holding(acre_thread* thread, bool holds, const std::array<void*, count>& references)
      : fields_(inline_fields(thread)), before_(fields_.locals) {
    if (!holds) return;
    for (size_t i = 0; i < count; ++i) {
      locals_[i] = {fields_.locals, references[i]};
      fields_.locals = &locals_[i];
    }
  }
  ~Holding() { fields_.locals = before_; }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

 private:
  acre_thread_inline& fields_;
  acre_local* before_;
  std::array<acre_local, count> locals_;
};

// What of an argument may be a reference, else null.
template <class Arg>
void* reference_of(const Arg& arg) {
  if constexpr (std::is_convertible_v<const Arg&, const void*>) {
    return const_cast<void*>(static_cast<const void*>(arg));
  } else {
    return nullptr;
  }
}

}  // namespace acre::detail

#endif  // ACRE_KEEP_HPP_
