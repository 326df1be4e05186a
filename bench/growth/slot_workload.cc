#include "bench/growth/slot_workload.h"

#include <algorithm>

#include "bench/growth/units.h"

namespace acre::bench {
namespace {

// The smallest share for which each workload still has several units.
constexpr std::uint64_t kMinPartBytes = 4 * kMiB;
constexpr std::size_t kFirstCapacity = 64;

}  // namespace

SlotWorkload::SlotWorkload(const Settings& settings)
    : part_bytes_(std::max(settings.live_bytes / settings.threads, kMinPartBytes)),
      parts_(settings.threads) {}

void SlotWorkload::start(Mutator& mutator) {
  references_ = register_bitmap_kind(mutator.heap(), "references", 1, 1);
  register_kinds(mutator.heap());
  for (Part& part : parts_) {
    part.capacity = kFirstCapacity;
    part.slots.reserve(part.capacity);
    void* table = mutator.alloc(part.capacity * sizeof(void*), references_);
    part.table = std::make_unique<Root>(mutator, table);
    live_add(part.capacity * sizeof(void*));
  }
}

void SlotWorkload::grow(Mutator& mutator, unsigned number) {
  Part& part = parts_[number];
  while (part.live < part_bytes_) {
    mutator.poll();
    // Seeds of different parts must differ, or their contents could not be told apart.
    append(mutator, part, (std::uint64_t{number} << 32) + part.slots.size());
  }
}

void SlotWorkload::steady(Mutator& mutator, unsigned number) {
  Part& part = parts_[number];
  Random random(number + 1);
  const std::uint64_t churn = kChurn * part.live;
  for (std::uint64_t allocated = 0; allocated < churn;) {
    mutator.poll();
    const std::size_t a = random.below(part.slots.size());
    const std::size_t b = random.below(part.slots.size());
    const Slot first = part.slots[a];
    const Slot second = part.slots[b];
    clear(mutator, part, a);
    if (a != b) clear(mutator, part, b);
    fill(mutator, part, a, second.seed);
    if (a != b) fill(mutator, part, b, first.seed);
    allocated += part.slots[a].bytes + (a != b ? part.slots[b].bytes : 0);
  }
}

void SlotWorkload::drop_half(Mutator& mutator, unsigned number) {
  Part& part = parts_[number];
  for (std::size_t i = 1; i < part.slots.size(); i += 2) clear(mutator, part, i);
}

void SlotWorkload::drop_to(Mutator& mutator, unsigned number, std::uint64_t keep) {
  Part& part = parts_[number];
  const std::uint64_t share = keep / parts_.size();
  std::size_t kept = 0;
  std::uint64_t bytes = 0;
  while (kept < part.slots.size() && bytes + part.slots[kept].bytes <= share) {
    bytes += part.slots[kept++].bytes;
  }
  const std::size_t capacity = std::max(kept, kFirstCapacity);
  void** old = part.table->get<void*>();
  void** narrow = static_cast<void**>(mutator.alloc(capacity * sizeof(void*), references_));
  acre_store_range(mutator.thread(), narrow, narrow, old, kept);
  part.table->set(narrow);
  live_add(capacity * sizeof(void*));
  live_drop(part.capacity * sizeof(void*) + part.live - bytes);
  part.capacity = capacity;
  part.live = bytes;
  part.slots.resize(kept);
  part.slots.shrink_to_fit();
  part.slots.reserve(capacity);
}

void SlotWorkload::check(Mutator& mutator, unsigned number) {
  const Part& part = parts_[number];
  void* const* table = part.table->get<void*>();
  std::uint64_t objects = 0;
  for (std::size_t i = 0; i < part.slots.size(); ++i) {
    mutator.poll();
    if (table[i] != nullptr) objects += check_unit(mutator, table[i], part.slots[i].seed);
  }
  checked_ += objects;
}

void SlotWorkload::report(Mutator&, Findings& findings) {
  std::uint64_t units = 0;
  for (const Part& part : parts_) units += part.slots.size();
  findings.facts.emplace_back("units of data", grouped(units));
  findings.facts.emplace_back("objects checked after growth", grouped(checked_));
}

void SlotWorkload::append(Mutator& mutator, Part& part, std::uint64_t seed) {
  const std::size_t index = part.slots.size();
  if (index == part.capacity) {
    void** old = part.table->get<void*>();
    void** wide = static_cast<void**>(mutator.alloc(2 * index * sizeof(void*), references_));
    acre_store_range(mutator.thread(), wide, wide, old, index);
    part.table->set(wide);
    part.capacity = 2 * index;
    part.slots.reserve(part.capacity);
    live_add(index * sizeof(void*));
  }
  part.slots.push_back({seed, 0});
  fill(mutator, part, index, seed);
}

void SlotWorkload::fill(Mutator& mutator, Part& part, std::size_t index, std::uint64_t seed) {
  const Unit unit = build(mutator, seed);
  void** table = part.table->get<void*>();
  mutator.store(table, &table[index], unit.object);
  part.slots[index] = {seed, unit.bytes};
  part.live += unit.bytes;
  live_add(unit.bytes);
}

void SlotWorkload::clear(Mutator& mutator, Part& part, std::size_t index) {
  void** table = part.table->get<void*>();
  mutator.store(table, &table[index], static_cast<void*>(nullptr));
  part.live -= part.slots[index].bytes;
  live_drop(part.slots[index].bytes);
  part.slots[index].bytes = 0;
}

}  // namespace acre::bench
