// Owns a shadow of a heap: a graph of real objects, and beside it, in malloc'ed memory, a model of what
// each of them must contain and what refers to what. Random steps change both; check() compares.
//
// Structure. A Node is the model of one object. Each word of the object is exactly one of
//   an entry      a reference that a step stored (exact, interior or tagged), or noise: in words that the
//                 kind says are no references, an address of some object (which must keep nothing alive);
//                 in conservative words, a number that is no address
//   a reference   word without an entry: zero
//   the header    of a counted object: the count
//   a data word   a pattern of the node's number and the word's
// Roots are slots of four sorts (handles, an exact and a conservative range, a scanner), each holding one
// node or none; locals come and go within a step.
//
// After a collection the nodes that the model reaches must all be there with their content. With exact
// roots no other object may be; purge() forgets the others, and what it returns is to be compared with a
// walk.
//
// A graph is used by one attached thread at a time, which may change. Whatever is wrong is printed with
// the seed, and ends the process: a heap that lost an object is not to be trusted with more.

#ifndef ACRE_TEST_GC_TORTURE_SHADOW_GRAPH_H_
#define ACRE_TEST_GC_TORTURE_SHADOW_GRAPH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include "test/gc/torture/shadow_kinds.h"

namespace acre::test {

struct ShadowLimits {
  size_t live_bytes = 8u << 20;     // roots are dropped above
  size_t largest_bytes = 4u << 20;  // of one object
  bool exclusive = true;            // no other thread allocates, so what was freed must look so
  bool hoard = false;               // let go of little, so that memory runs out
};

class ShadowGraph {
 public:
  struct Node;
  using Reached = std::unordered_map<uintptr_t, const Node*>;

  ShadowGraph(acre_heap* heap, acre_thread* thread, const std::vector<ShadowKind>& kinds,
              uint64_t seed, ShadowLimits limits);
  ~ShadowGraph();
  ShadowGraph(const ShadowGraph&) = delete;
  ShadowGraph& operator=(const ShadowGraph&) = delete;

  // A random change, by the attached thread.
  void step(acre_thread* thread);

  // Compares the content of all that the model reaches.
  void check();

  // Forgets what the model does not reach, after a collection, and adds what it does.
  void purge(Reached* reached);

  // Empties every second root; all of them.
  void drop_half_of_roots();
  void drop_all_roots();

  uint64_t out_of_memory() const { return out_of_memory_; }
  uint64_t steps() const { return steps_; }
  size_t live_bytes() const { return live_bytes_; }

 private:
  struct Entry {
    uintptr_t value;
    Node* target;  // NULL: noise
  };

  static constexpr size_t kSlots = 24;  // of each sort
  static constexpr size_t kRoots = 4 * kSlots;

  uint64_t random(uint64_t below) { return random_() % below; }
  bool one_in(uint64_t n) { return random(n) == 0; }
  size_t random_size();
  size_t random_size(const ShadowKind& kind);

  Node* allocate(acre_thread* thread);
  Node* adopt(void* object, size_t asked, const ShadowKind& kind, bool zeroed);
  void place(acre_thread* thread, Node* node);
  bool place_in_free_word(acre_thread* thread, Node* node);
  void link(acre_thread* thread);
  void unlink(acre_thread* thread);
  void make_noise(acre_thread* thread);
  void free_one(acre_thread* thread);
  void realloc_one(acre_thread* thread);
  void with_local(acre_thread* thread);
  void query();
  void refused(acre_thread* thread, size_t size, const ShadowKind& kind);
  void no_memory(acre_thread* thread);

  void set_root(size_t root, Node* node);
  uintptr_t reference_to(const Node& node);
  Node* pick_reachable();
  // A node that nothing but one root refers to; its root in *root.
  Node* pick_unshared(size_t* root);
  bool pick_word(const Node& node, bool reference, size_t* word);
  void set_entry(acre_thread* thread, Node& node, size_t word, Entry entry);
  void erase_entry(Node& node, size_t word);
  void forget(Node* node);
  uint64_t expected(const Node& node, size_t word) const;
  void fill(Node& node, size_t from_word);
  void check_node(const Node& node);
  void require(bool holds, const char* what, const Node* node = nullptr, size_t word = 0);
  std::vector<Node*> reach();

  acre_heap* heap_;
  const std::vector<ShadowKind>& kinds_;
  uint64_t seed_;
  ShadowLimits limits_;
  std::mt19937_64 random_;
  uint64_t next_id_ = 1;
  uint64_t steps_ = 0;
  uint64_t out_of_memory_ = 0;
  size_t live_bytes_ = 0;  // of all nodes, also dead ones, until purge()
  std::unordered_map<Node*, std::unique_ptr<Node>> nodes_;
  Node* roots_[kRoots] = {};
  acre_handle* handles_[kSlots] = {};
  void* exact_[kSlots] = {};
  void* conservative_[kSlots] = {};
  void* scanned_[kSlots] = {};
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_TORTURE_SHADOW_GRAPH_H_
