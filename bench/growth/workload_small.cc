// small: nodes of 64 bytes linked both ways, in chains of up to 4096 (256 KiB, the unit that is dropped).
// Chains and not one list: a single stale reference on a stack would keep all of one list alive.
#include <algorithm>

#include "bench/growth/slot_workload.h"

namespace acre::bench {
namespace {

struct Node {
  Node* next;
  Node* previous;
  std::uint64_t stamp;
  std::uint64_t unused[5];
};
static_assert(sizeof(Node) == 64);

constexpr std::uint64_t kMaxChain = 4096;

std::uint64_t stamp_of(std::uint64_t seed, std::uint64_t position) {
  return seed * kMaxChain + position;
}

class Small : public SlotWorkload {
 public:
  explicit Small(const Settings& settings)
      : SlotWorkload(settings),
        chain_(std::clamp<std::uint64_t>(part_bytes() / sizeof(Node) / 64, 16, kMaxChain)) {}

  std::string_view name() const override { return "small"; }
  std::string_view description() const override {
    return "Nodes of 64 bytes linked both ways, in chains of up to 4096; chains are dropped and "
           "rebuilt";
  }

 protected:
  void register_kinds(acre_heap* heap) override {
    node_ = register_bitmap_kind(heap, "small node", 0b11, sizeof(Node) / sizeof(void*));
  }

  Unit build(Mutator& mutator, std::uint64_t seed) override {
    Node* head = mutator.make<Node>(node_);
    head->stamp = stamp_of(seed, 0);
    Node* last = head;
    for (std::uint64_t i = 1; i < chain_; ++i) {
      Node* node = mutator.make<Node>(node_);
      node->stamp = stamp_of(seed, i);
      mutator.store(node, &node->previous, last);
      mutator.store(last, &last->next, node);
      last = node;
    }
    return {head, chain_ * sizeof(Node)};
  }

  std::uint64_t check_unit(Mutator&, void* object, std::uint64_t seed) override {
    const Node* previous = nullptr;
    const Node* node = static_cast<const Node*>(object);
    std::uint64_t count = 0;
    for (; node != nullptr; previous = node, node = node->next, ++count) {
      if (count == chain_ || node->previous != previous || node->stamp != stamp_of(seed, count)) {
        throw Corrupt("small: a node is not as it was written");
      }
    }
    if (count != chain_) throw Corrupt("small: a chain lost nodes");
    return count;
  }

 private:
  std::uint64_t chain_;
  acre_kind node_ = ACRE_KIND_NONE;
};

}  // namespace

std::unique_ptr<Workload> make_small(const Settings& settings) {
  return std::make_unique<Small>(settings);
}

}  // namespace acre::bench
