#include "test/gc/weak/waiting_keys_door.h"

namespace acre::test {

WaitingKeysDoor::WaitingKeysDoor(rt::Heap* heap) : keys_(new gc::WaitingKeys(heap, &spare_)) {}
WaitingKeysDoor::~WaitingKeysDoor() { delete keys_; }
bool WaitingKeysDoor::add(uintptr_t key, gc::WeakPair* pair) { return keys_->add(key, pair); }
void WaitingKeysDoor::marked(uintptr_t object) { keys_->marked(object); }
gc::WeakPair* WaitingKeysDoor::take_ready() { return keys_->take_ready(); }

}  // namespace acre::test
