// The frame of small, mixed and large: a part is a table of slots, each slot refers to a unit of data that
// lives and dies as one (a chain of nodes, a group of objects, one large object).
//
//   grow        appends units until the part's share of the live size is reached; the table doubles as it
//               fills, and each old table is garbage
//   steady      takes two slots at random, drops both units, and builds them again with their places
//               exchanged: the live size is exactly what it was, the holes do not fit by construction
//   drop_half   clears every second slot
//   drop_to     keeps the first slots, in a table of their size
//
// What a unit contains follows from its seed, so that check can tell what must be there without keeping a
// copy. Seeds and sizes are kept outside the heap; references only inside.
#pragma once

#include <memory>
#include <vector>

#include "bench/growth/workload.h"

namespace acre::bench {

class SlotWorkload : public Workload {
 public:
  explicit SlotWorkload(const Settings& settings);

  void start(Mutator& mutator) override;
  void grow(Mutator& mutator, unsigned part) override;
  void steady(Mutator& mutator, unsigned part) override;
  void drop_half(Mutator& mutator, unsigned part) override;
  void drop_to(Mutator& mutator, unsigned part, std::uint64_t keep) override;
  void check(Mutator& mutator, unsigned part) override;
  void report(Mutator& mutator, Findings& findings) override;

 protected:
  struct Unit {
    void* object;
    std::uint64_t bytes;  // asked for, of all that the unit keeps alive
  };

  virtual void register_kinds(acre_heap* heap) = 0;
  virtual Unit build(Mutator& mutator, std::uint64_t seed) = 0;
  // Returns the number of objects looked at; throws Corrupt.
  virtual std::uint64_t check_unit(Mutator& mutator, void* object, std::uint64_t seed) = 0;

  std::uint64_t part_bytes() const { return part_bytes_; }
  // A kind of which every word is a reference.
  acre_kind references() const { return references_; }

 private:
  struct Slot {
    std::uint64_t seed;
    std::uint64_t bytes;
  };
  struct Part {
    std::unique_ptr<Root> table;  // void*[capacity]
    std::vector<Slot> slots;
    std::size_t capacity = 0;
    std::uint64_t live = 0;
  };

  void append(Mutator& mutator, Part& part, std::uint64_t seed);
  void fill(Mutator& mutator, Part& part, std::size_t index, std::uint64_t seed);
  void clear(Mutator& mutator, Part& part, std::size_t index);

  std::uint64_t part_bytes_;
  acre_kind references_ = ACRE_KIND_NONE;
  std::vector<Part> parts_;
  std::atomic<std::uint64_t> checked_{0};
};

}  // namespace acre::bench
