// What calls of acre.hpp throw: Error and OutOfMemory, each with the status of the C call behind.
#ifndef ACRE_ERROR_HPP_
#define ACRE_ERROR_HPP_

#include <acre/acre.h>

#include <exception>
#include <new>

namespace acre {

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
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(acre_status status = ACRE_E_NOMEM) : status_(status) {}
  acre_status status() const { return status_; }
  const char* what() const noexcept override { return acre_strerror(status_); }

 private:
  acre_status status_;
};

inline void check(acre_status status) {
  if (status == ACRE_E_NOMEM) throw OutOfMemory();
  if (status != ACRE_OK) throw Error(status);
}

}  // namespace acre

#endif  // ACRE_ERROR_HPP_
