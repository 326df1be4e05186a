// Owns the naive model of what does not keep alive: what acre/weak.h says a collection does, written down over a
// list of nodes, with sets that are gone over again and again.
//
// Not modelled: in which order finalizers of objects in one circle run, be it closed by an ephemeron. Who sets
// ordered ones keeps the graph free of circles, and takes values that are older than their keys.

#ifndef ACRE_TEST_GC_TORTURE_SHADOW_WEAK_MODEL_H_
#define ACRE_TEST_GC_TORTURE_SHADOW_WEAK_MODEL_H_

#include <acre/acre.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace acre::test {

// What callbacks have seen of a node, and what they should have in the end.
struct Fate {
  acre_heap* heap = nullptr;
  std::atomic<unsigned> finalized{0};
  std::atomic<uint64_t> finalized_after{0};  // how many collections, the last time
  std::atomic<unsigned> cleaned{0};
  std::atomic<unsigned> notified{0};
  unsigned to_be_finalized = 0;
  unsigned to_be_cleaned = 0;
  unsigned to_be_notified = 0;

  bool is_fulfilled() const {
    return finalized == to_be_finalized && cleaned == to_be_cleaned && notified == to_be_notified;
  }
};

enum class NodeSort : uint8_t { kCell, kEphemeron, kTable };
enum class NodeFinalizer : uint8_t { kNone, kOrdered, kUnordered };

struct Node {
  static constexpr int kFields = 4;

  uint64_t id = 0;
  NodeSort sort = NodeSort::kCell;
  void* address = nullptr;
  Node* fields[kFields] = {};  // of a cell; of an ephemeron: key and value
  int mode = 0;                // of a table, and its entries
  std::map<Node*, Node*> entries = {};
  NodeFinalizer finalizer = NodeFinalizer::kNone;
  bool queued = false;  // its finalizer
  acre_weak* weak = nullptr;
  bool weak_cleared = false;
  unsigned cleanups = 0;
  std::unique_ptr<Fate> fate = std::make_unique<Fate>();
  bool marked = false;
};

class WeakModel {
 public:
  // Not exact: more may live than should, so that what should be queued may not yet be. Then only what the
  // roots reach is known.
  bool exact = true;
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<Node*> roots;
  // Of nodes that have gone.
  std::vector<std::unique_ptr<Fate>> fates;
  std::vector<acre_weak*> cleared;

  // The heap's collection of this number, the first is 1.
  void collect(uint64_t number);

  // Marks what the roots reach.
  void mark_from_roots();

  uint64_t tables() const;

 private:
  void mark(Node* node);
  void mark_behind(Node& node);
  void drain();
  bool judge(Node& node);
  void clear_dead();
  void queue(Node& node);
  std::vector<Node*> find_ready();
  void bury();

  std::vector<Node*> waiting_;
  std::vector<Node*> weak_seen_;
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_TORTURE_SHADOW_WEAK_MODEL_H_
