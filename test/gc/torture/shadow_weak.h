// Owns a random graph of cells, ephemerons and weak tables in a heap, with weak references, finalizers and
// cleanups attached to them, and its shadow in a WeakModel. After each call the shadow collects as often as the
// heap did; what the roots reach must be as the shadow says at any time, and in the end each callback must have
// come as often as it should.
//
// Threads: each has its own graph in the same heap. Collections come only inside a thread's own calls, so its
// shadow follows them exactly.

#ifndef ACRE_TEST_GC_TORTURE_SHADOW_WEAK_H_
#define ACRE_TEST_GC_TORTURE_SHADOW_WEAK_H_

#include <random>
#include <string>

#include "test/gc/torture/shadow_weak_model.h"

namespace acre::test {

struct WeakSetting {
  bool exact = true;     // stacks are not scanned: what is dead is seen to be
  bool circles = false;  // and no ordered finalizers
  bool alone = true;     // no other thread's objects are in the heap
};

class WeakGraph {
 public:
  WeakGraph(acre_heap* heap, acre_thread* thread, uint64_t seed, const WeakSetting& setting);
  ~WeakGraph();
  WeakGraph(const WeakGraph&) = delete;
  WeakGraph& operator=(const WeakGraph&) = delete;

  void step();
  // Lets everything go, and waits for what must come of it.
  void finish();
  // The first difference; empty: none.
  const std::string& difference() const { return difference_; }

 private:
  uint64_t random(uint64_t below) { return random_() % below; }
  void sync();
  Node* pick();
  Node* pick_older(const Node* than);
  Node& add(NodeSort sort, void* address);
  void make_cell();
  void make_ephemeron();
  void make_table();
  void store();
  void set_entry();
  void attach();
  void free_by_hand();
  void set_root();
  void collect();
  void check_all();
  void check_node(Node& node);
  void check_table(Node& table);
  void check_cleared();
  bool expect(bool holds, const char* what, const Node* node = nullptr);

  acre_heap* heap_;
  acre_thread* thread_;
  std::mt19937_64 random_;
  WeakSetting setting_;
  acre_kind kinds_[3];
  acre_handle* roots_[12];
  uint64_t seen_collections_;
  uint64_t next_id_ = 1;
  WeakModel model_;
  std::vector<acre_weak*> weaks_;
  std::string difference_;
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_TORTURE_SHADOW_WEAK_H_
