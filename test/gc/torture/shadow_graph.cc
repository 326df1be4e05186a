#include "test/gc/torture/shadow_graph.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace acre::test {

struct ShadowGraph::Node {
  uint64_t id;
  uintptr_t address;
  size_t bytes;  // acre_object_size
  const ShadowKind* kind;
  uint64_t header;
  unsigned referrers;  // entries of other nodes, dead ones too
  unsigned rooted;     // root slots
  std::map<size_t, Entry> entries;
  bool reached;

  size_t words() const { return bytes / sizeof(uint64_t); }
  uint64_t* at(size_t word) const { return reinterpret_cast<uint64_t*>(address) + word; }
  void* object() const { return reinterpret_cast<void*>(address); }
  bool is_reference(size_t word) const { return kind->is_reference(word, words(), header); }
};

namespace {

// No address: not even canonical.
uint64_t pattern(uint64_t id, uint64_t word) {
  const uint64_t mixed = (id * 0x9e3779b97f4a7c15) ^ (word * 0xc2b2ae3d27d4eb4f);
  return (mixed >> 8) | (uint64_t{0xa5} << 56);
}

void scan_words(acre_visitor* visitor, void* words) {
  auto** slots = static_cast<void**>(words);
  for (size_t i = 0; i < 24; ++i) acre_visit(visitor, &slots[i]);
}

}  // namespace

ShadowGraph::ShadowGraph(acre_heap* heap, acre_thread* thread, const std::vector<ShadowKind>& kinds,
                         uint64_t seed, ShadowLimits limits)
    : heap_(heap), kinds_(kinds), seed_(seed), limits_(limits), random_(seed) {
  require(!kinds.empty(), "the kinds are registered");
  for (acre_handle*& handle : handles_) {
    handle = acre_handle_new(thread, nullptr);
    require(handle != nullptr, "there is room for handles");
  }
  require(acre_root_add(heap, exact_, sizeof(exact_), 0) == ACRE_OK, "an exact range");
  require(acre_root_add(heap, conservative_, sizeof(conservative_), 1) == ACRE_OK, "a range");
  require(acre_root_scanner_add(heap, &scan_words, scanned_) == ACRE_OK, "a scanner");
}

ShadowGraph::~ShadowGraph() {
  for (acre_handle* handle : handles_) acre_handle_drop(handle);
  require(acre_root_remove(heap_, exact_) == ACRE_OK, "the exact range is removed");
  require(acre_root_remove(heap_, conservative_) == ACRE_OK, "the range is removed");
  require(acre_root_scanner_remove(heap_, &scan_words, scanned_) == ACRE_OK, "the scanner too");
}

void ShadowGraph::require(bool holds, const char* what, const Node* node, size_t word) {
  if (holds) return;
  std::fprintf(stderr, "shadow graph, ACRE_TEST_SEED=%" PRIu64 ", step %" PRIu64 ": not so: %s\n",
               seed_, steps_, what);
  if (node != nullptr) {
    std::fprintf(stderr, "  node %" PRIu64 " at %#" PRIxPTR ", %zu bytes, layout %d, word %zu\n",
                 node->id, node->address, node->bytes, static_cast<int>(node->kind->layout), word);
    if (word < node->words()) {
      std::fprintf(stderr, "  is %#" PRIx64 ", must be %#" PRIx64 "\n", *node->at(word),
                   expected(*node, word));
    }
  }
  std::abort();
}

void ShadowGraph::step(acre_thread* thread) {
  ++steps_;
  if (live_bytes_ > limits_.live_bytes && one_in(8)) {
    // Dead nodes count until the next purge, so this is often a little early.
    for (int i = 0; i < 4; ++i) set_root(random(kRoots), nullptr);
  }
  uint64_t action = random(20);
  if (limits_.hoard && action >= 8 && action <= 14) action = 0;
  switch (action) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
      if (Node* node = allocate(thread)) place(thread, node);
      break;
    case 8:
    case 9:
    case 10:
    case 11: link(thread); break;
    case 12:
    case 13: unlink(thread); break;
    case 14: set_root(random(kRoots), nullptr); break;
    case 15: free_one(thread); break;
    case 16: realloc_one(thread); break;
    case 17: with_local(thread); break;
    case 18: query(); break;
    case 19: make_noise(thread); break;
  }
  if (one_in(16)) {
    const size_t slot = random(kSlots);
    acre_handle* fresh = acre_handle_new(thread, acre_handle_get(handles_[slot]));
    if (fresh != nullptr) {
      acre_handle_drop(handles_[slot]);
      handles_[slot] = fresh;
    }
  }
}

size_t ShadowGraph::random_size() {
  if (limits_.hoard && one_in(32)) return random(limits_.largest_bytes);
  const uint64_t sort = random(1000);
  if (sort < 550) return random(256);
  if (sort < 850) return 256 + random(3840);
  if (sort < 970) return 4096 + random(28 * 1024 + 16);
  if (sort < 997) return (32u << 10) + random(224u << 10);
  return random(limits_.largest_bytes);
}

size_t ShadowGraph::random_size(const ShadowKind& kind) {
  const size_t size = random_size();
  // Now and then too little for an element, which is to be refused.
  return size >= kind.least_bytes() || one_in(16) ? size : kind.least_bytes() + random(size + 1);
}

ShadowGraph::Node* ShadowGraph::allocate(acre_thread* thread) {
  const ShadowKind& kind = kinds_[random(kinds_.size())];
  const size_t size = random_size(kind);
  if (kind.layout == Layout::kLeaf && one_in(4)) {
    void* object = acre_alloc_uninit(thread, size, kind.number);
    if (object == nullptr) return no_memory(thread), nullptr;
    return adopt(object, size, kind, false);
  }
  if (one_in(12)) {
    const size_t align = size_t{1} << random(one_in(20) ? 21 : 14);
    void* object = acre_alloc_aligned(thread, size, align, kind.number);
    if (object == nullptr) return refused(thread, size, kind), nullptr;
    require(reinterpret_cast<uintptr_t>(object) % align == 0, "acre_alloc_aligned aligns");
    return adopt(object, size, kind, true);
  }
  void* object = acre_alloc(thread, size, kind.number);
  if (object == nullptr) return refused(thread, size, kind), nullptr;
  return adopt(object, size, kind, true);
}

void ShadowGraph::refused(acre_thread* thread, size_t size, const ShadowKind& kind) {
  if (acre_last_error(thread) != ACRE_E_INVALID) return no_memory(thread);
  require(size != 0 && size < kind.least_bytes(),
          "only what is too small for an element is refused");
}

void ShadowGraph::no_memory(acre_thread* thread) {
  require(acre_last_error(thread) == ACRE_E_NOMEM, "NULL is out of memory, as the status says");
  ++out_of_memory_;
  drop_half_of_roots();
}

ShadowGraph::Node* ShadowGraph::adopt(void* object, size_t asked, const ShadowKind& kind,
                                      bool zeroed) {
  auto node = std::make_unique<Node>();
  node->id = next_id_++;
  node->address = reinterpret_cast<uintptr_t>(object);
  node->bytes = acre_object_size(heap_, object);
  node->kind = &kind;
  require(node->address % 16 == 0, "objects are aligned to 16");
  require(node->bytes >= asked && node->bytes % 16 == 0, "an object is as large as asked",
          node.get(), SIZE_MAX);
  require(node->bytes >= kind.least_bytes(), "an element fits into it", node.get(), SIZE_MAX);
  require(acre_object_kind(heap_, object) == kind.number, "an object is of the kind asked for");
  if (zeroed) {
    for (size_t word = 0; word < node->words(); ++word) {
      if (*node->at(word) != 0) require(false, "a new object is zero", node.get(), word);
    }
  }
  if (kind.is_counted()) node->header = random(std::min<size_t>(node->words(), 64));
  fill(*node, 0);
  live_bytes_ += node->bytes;
  Node* result = node.get();
  nodes_.emplace(result, std::move(node));
  return result;
}

void ShadowGraph::place(acre_thread* thread, Node* node) {
  if (limits_.hoard && place_in_free_word(thread, node)) return;
  Node* holder = one_in(2) ? pick_reachable() : nullptr;
  size_t word = 0;
  if (holder != nullptr && pick_word(*holder, true, &word)) {
    set_entry(thread, *holder, word, {reference_to(*node), node});
  } else {
    set_root(random(kRoots), node);
  }
}

bool ShadowGraph::place_in_free_word(acre_thread* thread, Node* node) {
  for (int tries = 0; tries < 16; ++tries) {
    const size_t root = random(kRoots);
    if (roots_[root] == nullptr) return set_root(root, node), true;
    Node* holder = pick_reachable();
    size_t word = 0;
    if (holder == nullptr || !pick_word(*holder, true, &word)) continue;
    if (holder->entries.count(word) != 0) continue;
    return set_entry(thread, *holder, word, {reference_to(*node), node}), true;
  }
  return false;
}

uintptr_t ShadowGraph::reference_to(const Node& node) {
  switch (random(8)) {
    case 0: return node.address + random(node.bytes);  // into it
    case 1: return node.address | random(16);          // tagged
    default: return node.address;
  }
}

void ShadowGraph::link(acre_thread* thread) {
  Node* from = pick_reachable();
  Node* to = pick_reachable();
  size_t word = 0;
  if (from == nullptr || to == nullptr || !pick_word(*from, true, &word)) return;
  check_node(*from);
  set_entry(thread, *from, word, {reference_to(*to), to});
  if (!one_in(4) || word + 1 >= from->words() || !from->is_reference(word + 1)) return;
  // Two neighbours at once, swapped by acre_store_range.
  const auto next = from->entries.find(word + 1);
  const Entry second = next == from->entries.end() ? Entry{0, nullptr} : next->second;
  void* values[2] = {reinterpret_cast<void*>(second.value),
                     reinterpret_cast<void*>(from->entries[word].value)};
  acre_store_range(thread, from->object(), reinterpret_cast<void**>(from->at(word)), values, 2);
  from->entries[word + 1] = from->entries[word];
  from->entries[word] = second;
  if (second.value == 0) from->entries.erase(word);
}

void ShadowGraph::unlink(acre_thread* thread) {
  Node* node = pick_reachable();
  if (node == nullptr || node->entries.empty()) return;
  auto entry = node->entries.lower_bound(random(node->words()));
  if (entry == node->entries.end()) entry = node->entries.begin();
  const size_t word = entry->first;
  erase_entry(*node, word);
  const auto value = expected(*node, word);
  acre_store(thread, node->object(), reinterpret_cast<void**>(node->at(word)),
             reinterpret_cast<void*>(value));
}

void ShadowGraph::make_noise(acre_thread* thread) {
  Node* node = pick_reachable();
  Node* other = pick_reachable();
  size_t word = 0;
  if (node == nullptr || other == nullptr) return;
  if (pick_word(*node, false, &word)) {
    // The address of an object where no reference is.
    set_entry(nullptr, *node, word, {other->address, nullptr});
  } else if (node->kind->layout == Layout::kConservative && pick_word(*node, true, &word)) {
    // By the barrier: it may overwrite a reference.
    set_entry(thread, *node, word, {pattern(random_(), word), nullptr});
  }
}

void ShadowGraph::set_entry(acre_thread* thread, Node& node, size_t word, Entry entry) {
  erase_entry(node, word);
  node.entries[word] = entry;
  if (entry.target != nullptr) ++entry.target->referrers;
  auto** slot = reinterpret_cast<void**>(node.at(word));
  if (thread != nullptr && one_in(2)) {
    acre_store(thread, node.object(), slot, reinterpret_cast<void*>(entry.value));
  } else if (thread != nullptr) {
    acre_store_any(slot, reinterpret_cast<void*>(entry.value));  // as Member does
  } else {
    *node.at(word) = entry.value;
  }
}

void ShadowGraph::erase_entry(Node& node, size_t word) {
  const auto entry = node.entries.find(word);
  if (entry == node.entries.end()) return;
  if (entry->second.target != nullptr) --entry->second.target->referrers;
  node.entries.erase(entry);
}

void ShadowGraph::free_one(acre_thread* thread) {
  size_t root = 0;
  Node* node = pick_unshared(&root);
  if (node == nullptr) return;
  check_node(*node);
  set_root(root, nullptr);
  void* object = node->object();
  acre_free(thread, object);
  if (limits_.exclusive) {
    require(acre_object_base(heap_, object) == nullptr, "what was freed is no object", node);
    acre_free(thread, object);
    require(acre_last_error(thread) == ACRE_E_INVALID, "freeing twice is noticed", node);
  }
  forget(node);
}

void ShadowGraph::realloc_one(acre_thread* thread) {
  size_t root = 0;
  Node* node = pick_unshared(&root);
  if (node == nullptr) return;
  check_node(*node);
  const size_t size = (one_in(2) ? random(node->bytes * 2) : random_size(*node->kind)) & ~size_t{7};
  void* moved = acre_realloc(thread, node->object(), size);
  if (moved == nullptr) {
    check_node(*node);
    refused(thread, size, *node->kind);
    return;
  }
  const size_t kept = std::min(node->bytes, size) / 8;
  live_bytes_ -= node->bytes;
  for (size_t word = 0; word < kept; ++word) {
    const auto* words = static_cast<const uint64_t*>(moved);
    if (words[word] != expected(*node, word)) {
      node->address = reinterpret_cast<uintptr_t>(moved);
      require(false, "acre_realloc keeps the content", node, word);
    }
  }
  node->address = reinterpret_cast<uintptr_t>(moved);
  node->bytes = acre_object_size(heap_, moved);
  live_bytes_ += node->bytes;
  require(node->bytes >= size, "acre_realloc gives what was asked", node);
  require(acre_object_kind(heap_, moved) == node->kind->number, "acre_realloc keeps the kind");
  for (size_t word = kept; word < node->words(); ++word) {
    if (*node->at(word) != 0) require(false, "acre_realloc zeroes what it adds", node, word);
  }
  if (node->kind->is_counted()) {
    if (kept == 0) node->header = 0;
    node->header = std::min<uint64_t>(node->header, node->words() - 1);
  }
  std::vector<size_t> lost;
  for (const auto& [word, entry] : node->entries) {
    const bool misplaced = (entry.target != nullptr) != node->is_reference(word);
    if (word >= kept || misplaced) lost.push_back(word);
  }
  for (const size_t word : lost) erase_entry(*node, word);
  fill(*node, 0);
  set_root(root, node);
}

void ShadowGraph::with_local(acre_thread* thread) {
  acre_local outer = {nullptr, nullptr};
  acre_local_push(thread, &outer);
  Node* first = allocate(thread);
  if (first != nullptr) {
    outer.object = first->object();
    acre_local inner = {nullptr, nullptr};
    acre_local_push(thread, &inner);
    if (Node* second = allocate(thread)) {
      inner.object = reinterpret_cast<void*>(reference_to(*second));
      if (Node* third = allocate(thread)) place(thread, third);
      check_node(*second);
      check_node(*first);
      place(thread, second);
    }
    require(acre_local_pop(thread, &inner) == ACRE_OK, "locals pop in order");
    place(thread, first);
  }
  require(acre_local_pop(thread, &outer) == ACRE_OK, "locals pop in order");
}

void ShadowGraph::query() {
  const Node* node = pick_reachable();
  if (node == nullptr) return;
  const uintptr_t inside = node->address + random(node->bytes);
  require(acre_object_base(heap_, reinterpret_cast<void*>(inside)) == node->object(),
          "the base of an address in an object is the object", node);
  require(acre_object_size(heap_, node->object()) == node->bytes, "a size stays", node);
  require(acre_object_kind(heap_, node->object()) == node->kind->number, "a kind stays", node);
  if (inside != node->address) {
    require(acre_object_size(heap_, reinterpret_cast<void*>(inside)) == 0,
            "only an object has a size", node);
  }
}

void ShadowGraph::set_root(size_t root, Node* node) {
  if (roots_[root] != nullptr) --roots_[root]->rooted;
  roots_[root] = node;
  if (node != nullptr) ++node->rooted;
  const size_t slot = root % kSlots;
  void* value = node == nullptr ? nullptr : reinterpret_cast<void*>(reference_to(*node));
  switch (root / kSlots) {
    case 0: acre_handle_set(handles_[slot], node == nullptr ? nullptr : node->object()); break;
    case 1: exact_[slot] = value; break;
    case 2: conservative_[slot] = value; break;
    case 3: scanned_[slot] = value; break;
  }
}

void ShadowGraph::drop_half_of_roots() {
  for (size_t root = random(2); root < kRoots; root += 2) set_root(root, nullptr);
}

void ShadowGraph::drop_all_roots() {
  for (size_t root = 0; root < kRoots; ++root) set_root(root, nullptr);
}

ShadowGraph::Node* ShadowGraph::pick_reachable() {
  Node* node = nullptr;
  for (int tries = 0; node == nullptr && tries < 16; ++tries) node = roots_[random(kRoots)];
  for (size_t hops = node == nullptr ? 0 : random(10); hops > 0; --hops) {
    if (node->entries.empty()) break;
    auto entry = node->entries.lower_bound(random(node->words()));
    if (entry == node->entries.end()) entry = node->entries.begin();
    if (entry->second.target == nullptr) break;
    node = entry->second.target;
  }
  return node;
}

ShadowGraph::Node* ShadowGraph::pick_unshared(size_t* root) {
  for (int tries = 0; tries < 16; ++tries) {
    *root = random(kRoots);
    Node* node = roots_[*root];
    if (node != nullptr && node->referrers == 0 && node->rooted == 1) return node;
  }
  return nullptr;
}

bool ShadowGraph::pick_word(const Node& node, bool reference, size_t* word) {
  const size_t start = random(node.words());
  for (size_t i = 0; i < std::min<size_t>(node.words(), 4200); ++i) {
    *word = (start + i) % node.words();
    if (*word == 0 && node.kind->is_counted()) continue;
    if (node.is_reference(*word) == reference) return true;
  }
  return false;
}

void ShadowGraph::forget(Node* node) {
  for (const auto& [word, entry] : node->entries) {
    if (entry.target != nullptr) --entry.target->referrers;
  }
  live_bytes_ -= node->bytes;
  nodes_.erase(node);
}

uint64_t ShadowGraph::expected(const Node& node, size_t word) const {
  const auto entry = node.entries.find(word);
  if (entry != node.entries.end()) return entry->second.value;
  if (node.kind->is_counted() && word == 0) return node.header;
  return node.is_reference(word) ? 0 : pattern(node.id, word);
}

void ShadowGraph::fill(Node& node, size_t from_word) {
  for (size_t word = from_word; word < node.words(); ++word) {
    *node.at(word) = expected(node, word);
  }
}

void ShadowGraph::check_node(const Node& node) {
  require(acre_object_base(heap_, node.object()) == node.object(), "what is reached is an object",
          &node, SIZE_MAX);
  auto entry = node.entries.begin();
  const size_t words = node.words();
  for (size_t word = 0; word < words; ++word) {
    uint64_t value;
    if (entry != node.entries.end() && entry->first == word) {
      value = entry->second.value;
      ++entry;
    } else if (word == 0 && node.kind->is_counted()) {
      value = node.header;
    } else {
      value = node.kind->is_reference(word, words, node.header) ? 0 : pattern(node.id, word);
    }
    if (*node.at(word) != value) require(false, "an object keeps its content", &node, word);
  }
}

std::vector<ShadowGraph::Node*> ShadowGraph::reach() {
  for (auto& [node, owner] : nodes_) node->reached = false;
  std::vector<Node*> found;
  const auto visit = [&found](Node* node) {
    if (node == nullptr || node->reached) return;
    node->reached = true;
    found.push_back(node);
  };
  for (Node* root : roots_) visit(root);
  for (size_t i = 0; i < found.size(); ++i) {
    for (const auto& [word, entry] : found[i]->entries) visit(entry.target);
  }
  return found;
}

void ShadowGraph::check() {
  for (const Node* node : reach()) check_node(*node);
}

void ShadowGraph::purge(Reached* reached) {
  for (Node* node : reach()) reached->emplace(node->address, node);
  std::vector<Node*> dead;
  for (auto& [node, owner] : nodes_) {
    if (!node->reached) dead.push_back(node);
  }
  for (Node* node : dead) {
    // Dead nodes may refer to each other, in any order.
    for (const auto& [word, entry] : node->entries) {
      if (entry.target != nullptr && entry.target->reached) --entry.target->referrers;
    }
    node->entries.clear();
  }
  for (Node* node : dead) forget(node);
}

}  // namespace acre::test
