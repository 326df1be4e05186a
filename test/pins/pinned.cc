#include "test/pins/pinned.h"

#include "test/pins/types.h"

namespace acre::test {

template <class T, class... Args>
T* make(Thread* thread, Args... args) {
  pin_begin();
  T* object = thread->make<T>(args...);
  pin_end(object);
  return object;
}

template <class T, class... Args>
T* build(void** place, Args... args) {
  pin_begin();
  void* memory = *place;
  T* object = nullptr;
  if constexpr (std::is_constructible_v<T, Args...>) {
    object = ::new (memory) T(args...);
  } else {
    object = ::new (memory) T{args...};  // aggregates
  }
  pin_end(object);
  return object;
}

template Point* make<Point>(Thread*);
template Point* build<Point>(void**);
template Point* make<Point>(Thread*, long, long);
template Point* build<Point>(void**, long, long);
template Pair* make<Pair>(Thread*);
template Pair* build<Pair>(void**);
template Pair* make<Pair>(Thread*, Pair*, Pair*);
template Pair* build<Pair>(void**, Pair*, Pair*);
template Link* make<Link>(Thread*, Link*, long);
template Link* build<Link>(void**, Link*, long);
template Node* make<Node>(Thread*, Node*, long);
template Node* build<Node>(void**, Node*, long);
template Cell* make<Cell>(Thread*);
template Cell* build<Cell>(void**);
template DistantPoint* make<DistantPoint>(Thread*, long, long);
template DistantPoint* build<DistantPoint>(void**, long, long);
template DistantLink* make<DistantLink>(Thread*, DistantLink*, long);
template DistantLink* build<DistantLink>(void**, DistantLink*, long);
template DistantNode* make<DistantNode>(Thread*, DistantNode*, long);
template DistantNode* build<DistantNode>(void**, DistantNode*, long);

Node* assign(Node* node, Node* next) {
  pin_begin();
  node->next = next;
  pin_end(nullptr);
  return nullptr;
}

}  // namespace acre::test
