// mixed: objects of 16 B to 1 MiB with a heavy tail, of three kinds, referring to each other, and a piece
// of garbage of the same sizes between any two of them.
//
// The unit is a group of 32 objects that refer to others of the group at random. References stay inside
// the group so that dropping it drops all of it, and the live size is known.
#include <algorithm>
#include <array>
#include <cmath>

#include "bench/growth/slot_workload.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

constexpr std::size_t kGroup = 32;
constexpr std::size_t kTouchStep = 4096;

// What every object begins with; `peer` exists only from 32 bytes up and not in leaves.
struct Header {
  std::uint64_t stamp;
  std::uint64_t bytes;
  void* peer;
};

// Quantiles of a Pareto distribution with exponent 0.9, cut at 1 MiB: half the objects are below 35 B,
// one in a hundred is above 2.6 KiB, and these few hold nearly all the bytes. A table, because pow would
// cost more than the allocation that is measured.
class Sizes {
 public:
  Sizes() {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      const double above = (static_cast<double>(i) + 0.5) / static_cast<double>(table_.size());
      table_[i] = static_cast<std::uint32_t>(
          std::min(16.0 * std::pow(above, -1 / 0.9), static_cast<double>(kMiB)));
    }
  }
  std::size_t draw(Random& random) const { return table_[random.below(table_.size())]; }

 private:
  std::array<std::uint32_t, 65536> table_;
};

void trace_record(void* object, std::size_t, acre_visitor* visitor) {
  acre_visit(visitor, &static_cast<Header*>(object)->peer);
}

class Mixed : public SlotWorkload {
 public:
  using SlotWorkload::SlotWorkload;

  std::string_view name() const override { return "mixed"; }
  std::string_view description() const override {
    return "Objects of 16 B to 1 MiB with a heavy tail, three kinds, references among them, as "
           "much garbage "
           "again";
  }

 protected:
  void register_kinds(acre_heap* heap) override {
    record_ = register_traced_kind(heap, "mixed record", trace_record);
  }

  Unit build(Mutator& mutator, std::uint64_t seed) override {
    Random random(seed);
    void** group = static_cast<void**>(mutator.alloc(kGroup * sizeof(void*), references()));
    std::uint64_t total = kGroup * sizeof(void*);
    for (std::size_t i = 0; i < kGroup; ++i) {
      const Shape shape = draw(random);
      void* object = create(mutator, shape, seed * kGroup + i);
      mutator.store(group, &group[i], object);
      if (shape.kind != ACRE_KIND_LEAF) {
        Header* header = static_cast<Header*>(object);
        mutator.store(header, &header->peer, group[random.below(i + 1)]);
      }
      total += shape.bytes;
      create(mutator, draw(random), 0);  // garbage at once
    }
    return {group, total};
  }

  std::uint64_t check_unit(Mutator& mutator, void* unit, std::uint64_t seed) override {
    Random random(seed);
    void* const* group = static_cast<void* const*>(unit);
    for (std::size_t i = 0; i < kGroup; ++i) {
      const Shape shape = draw(random);
      const Header* header = static_cast<const Header*>(group[i]);
      bool good = header->stamp == seed * kGroup + i && header->bytes == shape.bytes &&
                  acre_object_kind(mutator.heap(), header) == shape.kind;
      if (good && shape.kind != ACRE_KIND_LEAF) good = header->peer == group[random.below(i + 1)];
      if (good) good = ends_right(header, shape.bytes);
      if (!good) throw Corrupt("mixed: an object is not as it was written");
      draw(random);  // the garbage
    }
    return kGroup;
  }

 private:
  struct Shape {
    std::size_t bytes;
    acre_kind kind;
  };

  Shape draw(Random& random) const {
    const std::size_t bytes = sizes_.draw(random);
    const std::uint64_t choice = random.below(10);
    if (bytes < 32 || choice < 4) return {bytes, ACRE_KIND_LEAF};
    return {bytes, choice < 8 ? record_ : acre_kind{ACRE_KIND_CONSERVATIVE}};
  }

  // Writes a byte to every 4 KiB, for a program that asks for memory uses it.
  static void* create(Mutator& mutator, const Shape& shape, std::uint64_t stamp) {
    void* object = mutator.alloc(shape.bytes, shape.kind);
    char* bytes = static_cast<char*>(object);
    for (std::size_t at = kTouchStep; at < shape.bytes; at += kTouchStep) bytes[at] = 1;
    if (shape.bytes > sizeof(Header)) bytes[shape.bytes - 1] = static_cast<char>(stamp);
    Header* header = static_cast<Header*>(object);
    header->stamp = stamp;
    header->bytes = shape.bytes;
    return object;
  }

  static bool ends_right(const Header* header, std::size_t bytes) {
    if (bytes <= sizeof(Header)) return true;
    return reinterpret_cast<const char*>(header)[bytes - 1] == static_cast<char>(header->stamp);
  }

  Sizes sizes_;
  acre_kind record_ = ACRE_KIND_NONE;
};

}  // namespace

std::unique_ptr<Workload> make_mixed(const Settings& settings) {
  return std::make_unique<Mixed>(settings);
}

}  // namespace acre::bench
