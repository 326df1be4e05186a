// What calls of acre.hpp throw: Error and OutOfMemory, each with the status of the C call behind. Calls named try_*
// say it without an exception.
#ifndef ACRE_ERROR_HPP_
#define ACRE_ERROR_HPP_

#include <acre/acre.h>

#include <exception>
#include <new>

namespace acre {

// A mistake, or something used up that is not memory: a call with its acre_status.
//
// Example:
//   acre::Fiber* fiber = acre::make_fiber(thread, [](acre::Fiber&) {});
//   acre::Local<acre::Fiber> keep(thread, fiber);
//   fiber->resume(thread);
//   try {
//     fiber->resume(thread);  // it is done
//   } catch (const acre::Error& error) {
//     assert(error.status() == ACRE_E_STATE);
//   }
class Error : public std::exception {
 public:
  explicit Error(acre_status status) : status_(status) {}
  acre_status status() const { return status_; }
  const char* what() const noexcept override { return acre_strerror(status_); }

 private:
  acre_status status_;
};

// Also a std::bad_alloc, for code that knows nothing of Acre. The status is ACRE_E_NOMEM, or
// ACRE_E_LIMIT where a memory limit forbids the allocation.
//
// Example:
//   try {
//     thread.make_array<char>(std::size_t{1} << 60);
//   } catch (const acre::OutOfMemory& error) {
//     assert(error.status() == ACRE_E_NOMEM);
//   }
//   assert(thread.try_make_array<char>(std::size_t{1} << 60) == nullptr);
//   assert(thread.last_error() == ACRE_E_NOMEM);
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(acre_status status = ACRE_E_NOMEM) : status_(status) {}
  acre_status status() const { return status_; }
  const char* what() const noexcept override { return acre_strerror(status_); }

 private:
  acre_status status_;
};

// Throws what a status means, unless it is ACRE_OK.
inline void check(acre_status status) {
  if (status == ACRE_E_NOMEM) throw OutOfMemory();
  if (status != ACRE_OK) throw Error(status);
}

// The same for calls that allocate: a limit is a lack of memory there.
inline void check_memory(acre_status status) {
  if (status == ACRE_E_LIMIT) throw OutOfMemory(status);
  check(status);
}

namespace detail {

// For calls with a status to fill in that may be left out.
inline bool tell(acre_status* out, acre_status status) {
  if (out != nullptr) *out = status;
  return status == ACRE_OK;
}

}  // namespace detail

}  // namespace acre

#endif  // ACRE_ERROR_HPP_
