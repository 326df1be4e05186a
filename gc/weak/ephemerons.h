// Owns the part of a collection that judges ephemerons and the entries of weak tables. Where marking comes upon
// such an object it only puts it on a list (WorkPool::postpone); when all else is marked the cycle calls, in this
// order:
//
//   visit_values   the values whose keys are marked; by one of several markers, the others mark
//   resolve        the same to the end: a value may lead to the key of another, or to more ephemerons
//   clear_dead     what has a dead key, or a dead weak value, goes
//   (finalizers: resolve and clear_dead again, for what is only reached from objects that have one)
//   end_cycle
//
// Resolving takes time linear in the pairs. They are gone over once more; where that leads to something new, those
// whose keys are not marked wait in a table by key from then on, and marking an object looks there
// (waiting_keys.h). Without room for that table it goes over all that wait again and again, which is right but
// quadratic at worst.
//
// Which words are keys: as in an exact visit, a word in the mapped range is a reference (it may have tag bits or
// point into the object). A key elsewhere never dies; one in the range where no object is, is dead.

#ifndef ACRE_GC_WEAK_EPHEMERONS_H_
#define ACRE_GC_WEAK_EPHEMERONS_H_

#include "gc/mark/marker.h"
#include "gc/weak/waiting_keys.h"
#include "gc/weak/weak_pairs.h"

namespace acre::gc {

// Marks, by one thread, all that is reachable from what `marker` was shown, even if the pool overflows.
class Drain {
 public:
  explicit Drain(Marker& alone) : marker(alone) {}
  virtual void operator()() = 0;

  Marker& marker;

 protected:
  ~Drain() = default;
};

class Ephemerons {
 public:
  void init(rt::Heap* heap, WorkPool* pool) {
    heap_ = heap;
    pool_ = pool;
    seen_ = cleared_ = WorkPool::end_of_postponed();
  }

  // Some were reached that were not looked at.
  bool has_new() const { return pool_->has_postponed(); }

  void visit_values(Marker& marker);
  void resolve(Drain& drain);
  void clear_dead();
  void end_cycle();

  // For marking in several steps: after each, all that its marks lead to is marked, by way of ephemerons too. In
  // all that takes time linear in the pairs, as resolve does. Those that were seen by its beginning are looked at
  // again.
  class Following {
   public:
    Following(Ephemerons* ephemerons, Drain* drain);
    ~Following() { drain_->marker.watch(nullptr); }
    Following(const Following&) = delete;
    Following& operator=(const Following&) = delete;

    void operator()();

   private:
    void visit(WeakPairs& pairs) { ephemerons_->visit_now(drain_->marker, pairs, &waiting_); }

    Ephemerons* ephemerons_;
    Drain* drain_;
    WaitingKeys waiting_;
  };

 private:
  enum class Life : uint8_t { kAlive, kUnmarked, kDead };

  // `base` is the object's start if it is not marked.
  Life life_of(uintptr_t word, uintptr_t* base) const;
  bool is_alive(uintptr_t word) const {
    uintptr_t base = 0;
    return life_of(word, &base) == Life::kAlive;
  }
  // For each object that is new: look(WeakPairs&), and it has been seen.
  template <class Look>
  void look_at_new(Look look);
  void visit_now(Marker& marker, WeakPairs& pairs, WaitingKeys* waiting);
  bool visit_ready(Marker& marker);
  void resolve_slowly(Drain& drain);
  void clear_dead_in(WeakPairs& pairs);

  rt::Heap* heap_;
  WorkPool* pool_;
  Postponed* seen_;     // looked at, and what is dead not yet cleared
  Postponed* cleared_;  // done with
  bool short_of_room_;  // for the table
  SpareRoom spare_room_;
};

}  // namespace acre::gc

#endif  // ACRE_GC_WEAK_EPHEMERONS_H_
