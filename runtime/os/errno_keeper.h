// Owns keeping errno: what Acre does behind an embedder's back leaves it alone.

#ifndef ACRE_RUNTIME_OS_ERRNO_KEEPER_H_
#define ACRE_RUNTIME_OS_ERRNO_KEEPER_H_

#include <errno.h>

namespace acre::rt {

class ErrnoKeeper {
 public:
  ErrnoKeeper() : saved_(errno) {}
  ~ErrnoKeeper() { errno = saved_; }
  ErrnoKeeper(const ErrnoKeeper&) = delete;
  ErrnoKeeper& operator=(const ErrnoKeeper&) = delete;

 private:
  int saved_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_ERRNO_KEEPER_H_
