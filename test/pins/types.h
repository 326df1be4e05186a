// Owns the types of which the pinned C++ functions make objects, one for each way that a type is
// traced and constructed, and declares these functions, which are in pinned.cc. See pinned.h.

#ifndef ACRE_TEST_PINS_TYPES_H_
#define ACRE_TEST_PINS_TYPES_H_

#include <acre/acre.hpp>

namespace acre::test {

// A leaf; an aggregate.
struct Point {
  long x;
  long y;
};

// Laid out; raw references, an aggregate.
struct Pair {
  static constexpr Layout layout{0, 1};
  Pair* left;
  Pair* right;
};

// Laid out; a Member and a constructor.
struct Link {
  static constexpr Layout layout{0};
  Link(Link* to, long tag) : next(to), number(tag) {}
  Member<Link> next;
  long number;
};

// Traced by a function; a constructor.
struct Node {
  Node(Node* to, long tag) : next(to), number(tag) {}
  void trace(Visitor& visitor) { visitor(next); }
  Member<Node> next;
  long number;
};

// Traced; no constructor, but the fields have defaults.
struct Cell {
  void trace(Visitor& visitor) { visitor(next); }
  Member<Cell> next;
  long number = 7;
};

// The constructors of these three are in another file: calls, before which all must be done.
struct DistantPoint {
  DistantPoint(long a, long b);
  long x;
  long y;
};
struct DistantLink {
  static constexpr Layout layout{0};
  DistantLink(DistantLink* to, long tag);
  Member<DistantLink> next;
  long number;
};
struct DistantNode {
  DistantNode(DistantNode* to, long tag);
  void trace(Visitor& visitor) { visitor(next); }
  Member<DistantNode> next;
  long number;
};

// What a program writes, and its reference.
template <class T, class... Args>
T* make(Thread* thread, Args... args);
template <class T, class... Args>
T* build(void** place, Args... args);

Node* assign(Node* node, Node* next);

}  // namespace acre::test

#endif  // ACRE_TEST_PINS_TYPES_H_
