// WaitingKeys, called from code that is compiled as the core is, without RTTI: ubsan would look for the type
// information of what a test calls virtually.

#ifndef ACRE_TEST_GC_WEAK_WAITING_KEYS_DOOR_H_
#define ACRE_TEST_GC_WEAK_WAITING_KEYS_DOOR_H_

#include "gc/weak/waiting_keys.h"

namespace acre::test {

class WaitingKeysDoor {
 public:
  explicit WaitingKeysDoor(rt::Heap* heap);
  ~WaitingKeysDoor();
  WaitingKeysDoor(const WaitingKeysDoor&) = delete;
  WaitingKeysDoor& operator=(const WaitingKeysDoor&) = delete;
  bool add(uintptr_t key, gc::WeakPair* pair);
  void marked(uintptr_t object);
  gc::WeakPair* take_ready();

 private:
  gc::SpareRoom spare_ = {};
  gc::WaitingKeys* keys_;
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_WEAK_WAITING_KEYS_DOOR_H_
