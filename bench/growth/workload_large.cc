// large: objects of 128 KiB to 64 MiB, as many of each doubling, every page written. One in two has a
// reference at the start of every 4 KiB, to a small leaf of its own; the others are leaves.
#include <algorithm>
#include <cmath>

#include "bench/growth/slot_workload.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

constexpr std::uint64_t kSmallest = 128 * kKiB;
constexpr std::uint64_t kLargest = 64 * kMiB;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kLabelBytes = 32;

// The start of each page of a large object.
struct Page {
  std::uint64_t* label;  // NULL in leaves
  std::uint64_t stamp;
};

class Large : public SlotWorkload {
 public:
  explicit Large(const Settings& settings)
      : SlotWorkload(settings), largest_(std::clamp(part_bytes() / 8, kSmallest, kLargest)) {}

  std::string_view name() const override { return "large"; }
  std::string_view description() const override {
    return "Objects of 128 KiB to 64 MiB (at most an eighth of the whole), every page written, "
           "half with "
           "references";
  }

 protected:
  void register_kinds(acre_heap* heap) override { paged_ = register_paged(heap); }

  Unit build(Mutator& mutator, std::uint64_t seed) override {
    const Shape shape = shape_of(seed);
    char* object = static_cast<char*>(mutator.alloc(shape.bytes, shape.kind));
    std::uint64_t total = shape.bytes;
    for (std::size_t at = 0; at + sizeof(Page) <= shape.bytes; at += kPage) {
      Page* page = reinterpret_cast<Page*>(object + at);
      page->stamp = seed + at;
      if (shape.kind == ACRE_KIND_LEAF) continue;
      auto* label = static_cast<std::uint64_t*>(mutator.alloc(kLabelBytes, ACRE_KIND_LEAF));
      *label = seed + at;
      mutator.store(object, &page->label, label);
      total += kLabelBytes;
    }
    return {object, total};
  }

  std::uint64_t check_unit(Mutator& mutator, void* unit, std::uint64_t seed) override {
    const Shape shape = shape_of(seed);
    const char* object = static_cast<const char*>(unit);
    std::uint64_t count = 1;
    bool good = acre_object_size(mutator.heap(), object) >= shape.bytes;
    for (std::size_t at = 0; good && at + sizeof(Page) <= shape.bytes; at += kPage) {
      const Page* page = reinterpret_cast<const Page*>(object + at);
      good = page->stamp == seed + at;
      if (shape.kind == ACRE_KIND_LEAF) continue;
      good = good && page->label != nullptr && *page->label == seed + at;
      ++count;
    }
    if (!good) throw Corrupt("large: an object is not as it was written");
    return count;
  }

 private:
  struct Shape {
    std::size_t bytes;
    acre_kind kind;
  };

  // One reference in the first word of each 4 KiB.
  static acre_kind register_paged(acre_heap* heap) {
    std::uint64_t bitmap[kPage / sizeof(void*) / 64] = {1};
    return register_bitmap_kind(heap, "large paged", bitmap, kPage / sizeof(void*));
  }

  // As many objects between 128 and 256 KiB as between 32 and 64 MiB.
  Shape shape_of(std::uint64_t seed) const {
    Random random(seed);
    const double doublings =
        std::log2(static_cast<double>(largest_) / static_cast<double>(kSmallest));
    const double place = static_cast<double>(random.below(1u << 20)) / (1u << 20);
    const double bytes = static_cast<double>(kSmallest) * std::exp2(doublings * place);
    return {static_cast<std::size_t>(bytes),
            random.below(2) == 0 ? acre_kind{ACRE_KIND_LEAF} : paged_};
  }

  std::uint64_t largest_;
  acre_kind paged_ = ACRE_KIND_NONE;
};

}  // namespace

std::unique_ptr<Workload> make_large(const Settings& settings) {
  return std::make_unique<Large>(settings);
}

}  // namespace acre::bench
