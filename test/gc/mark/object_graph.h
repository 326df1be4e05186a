// Owns a random graph of objects of all kinds, and the naive model of what of it must live: breadth-first
// from the roots over the references that were written, with nothing but the definition of the kinds.
//
// Where a kind has no reference, words are noise: addresses of objects, which must keep nothing alive.
// The heap collects only when it is asked to, so what the model holds is there meanwhile.

#ifndef ACRE_TEST_GC_MARK_OBJECT_GRAPH_H_
#define ACRE_TEST_GC_MARK_OBJECT_GRAPH_H_

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "acre/acre.h"
#include "test/gc/cycle/test_heap.h"
#include "test/gc/torture/shadow_kinds.h"

namespace acre::test {

class ObjectGraph {
 public:
  static constexpr size_t kStripeBytes = 64 * rt::kKiB;  // of a heap of one arena; larger in others

  struct Live {
    std::map<void*, size_t> objects;  // address and size
    uint64_t bytes = 0;
    uint64_t into_next_stripe = 0;  // references to another than their object begins in
  };

  ObjectGraph(const TestHeap& heap, const std::vector<ShadowKind>& kinds, uint64_t seed)
      : heap_(heap), kinds_(kinds), random_(seed) {
    BOOST_REQUIRE(acre_root_add(heap.get(), slots_, kRangeBytes, 0) == ACRE_OK);
    BOOST_REQUIRE(acre_root_add(heap.get(), slots_ + kSlots, kRangeBytes, 1) == ACRE_OK);
  }
  ~ObjectGraph() {
    BOOST_CHECK(acre_root_remove(heap_.get(), slots_) == ACRE_OK);
    BOOST_CHECK(acre_root_remove(heap_.get(), slots_ + kSlots) == ACRE_OK);
  }
  ObjectGraph(const ObjectGraph&) = delete;
  ObjectGraph& operator=(const ObjectGraph&) = delete;

  // `count` more objects, linked with the others at random.
  void grow(size_t count) {
    const size_t old = objects_.size();
    for (size_t i = 0; i < count; ++i) add_object();
    for (size_t i = old; i < objects_.size(); ++i) {
      for (uint64_t links = 1 + random(3); links > 0; --links) link(*objects_[i]);
      make_noise(*objects_[i]);
    }
    for (size_t i = 0; i < count / 2; ++i) link(any());
    for (size_t i = 0; i < 2 * kSlots; ++i) {
      if (random(4) == 0) set_root(i, &any());
    }
  }

  // Drops roots and references at random.
  void shrink() {
    for (size_t i = 0; i < 2 * kSlots; ++i) {
      if (random(4) == 0) set_root(i, nullptr);
    }
    for (size_t i = 0; i < objects_.size() / 4; ++i) {
      Object& object = any();
      if (object.references.empty()) continue;
      const auto reference = object.references.begin();
      store(object, reference->first, 0);
      object.references.erase(reference);
    }
  }

  void drop_roots() {
    for (size_t i = 0; i < 2 * kSlots; ++i) set_root(i, nullptr);
  }

  // What is reached; the model forgets the rest.
  Live keep_live() {
    Live live;
    for (const auto& object : objects_) object->reached = false;
    std::vector<Object*> queue;
    const auto reach = [&queue](Object* object) {
      if (object == nullptr || object->reached) return;
      object->reached = true;
      queue.push_back(object);
    };
    for (Object* root : roots_) reach(root);
    for (size_t at = 0; at < queue.size(); ++at) {
      const Object& object = *queue[at];
      live.objects.emplace(object.memory, object.bytes);
      live.bytes += object.bytes;
      for (const auto& [word, reference] : object.references) {
        live.into_next_stripe += crosses(reference) ? 1 : 0;
        reach(reference.target);
      }
    }
    std::erase_if(objects_, [](const auto& object) { return !object->reached; });
    return live;
  }

  size_t size() const { return objects_.size(); }

 private:
  static constexpr size_t kSlots = 32;  // of each sort of root
  static constexpr size_t kRangeBytes = kSlots * sizeof(void*);

  struct Object;
  struct Reference {
    Object* target;
    uintptr_t value;
  };
  struct Object {
    void* memory;
    size_t bytes;
    const ShadowKind* kind;
    uint64_t header;
    bool reached;
    std::map<size_t, Reference> references;

    size_t words() const { return bytes / sizeof(void*); }
  };

  uint64_t random(uint64_t below) { return random_() % below; }
  Object& any() { return *objects_[random(objects_.size())]; }

  bool crosses(const Reference& reference) const {
    const uintptr_t base = heap_.space().base().raw;
    const auto start = reinterpret_cast<uintptr_t>(reference.target->memory);
    return (reference.value - base) / kStripeBytes != (start - base) / kStripeBytes;
  }

  size_t random_size() {
    const uint64_t sort = random(1000);
    if (sort < 700) return random(512);
    if (sort < 900) return 512 + random(3500);
    if (sort < 985) return 4096 + random(28 * rt::kKiB);
    if (sort < 995) return 32 * rt::kKiB + random(96 * rt::kKiB);
    return 128 * rt::kKiB + random(600 * rt::kKiB);  // two to six pieces
  }

  void add_object() {
    const ShadowKind& kind = kinds_[random(kinds_.size())];
    void* memory = heap_.alloc(std::max<size_t>(random_size(), kind.least_bytes()), kind.number);
    const size_t bytes = acre_object_size(heap_.get(), memory);
    auto object = std::make_unique<Object>(Object{memory, bytes, &kind, 0, false, {}});
    if (kind.is_counted()) {
      object->header = 1 + random(std::min<size_t>(object->words() - 1, 64));
      *static_cast<uint64_t*>(memory) = object->header;
    }
    objects_.push_back(std::move(object));
  }

  void link(Object& from) {
    const size_t words = from.words();
    for (int tries = 0; tries < 20; ++tries) {
      const size_t word = random(tries < 10 ? words : std::min<size_t>(words, 66));
      if (!from.kind->is_reference(word, words, from.header)) continue;
      Object& to = any();
      from.references[word] = {&to, reference_to(to)};
      return store(from, word, from.references[word].value);
    }
  }

  void make_noise(Object& object) {
    const size_t word = random(object.words());
    if (object.kind->is_counted() && word == 0) return;
    if (object.kind->is_reference(word, object.words(), object.header)) return;
    store(object, word, reinterpret_cast<uintptr_t>(any().memory));
  }

  uintptr_t reference_to(const Object& object) {
    const auto start = reinterpret_cast<uintptr_t>(object.memory);
    switch (random(4)) {
      case 0: return start + random(object.bytes);  // into it
      case 1: return start | random(16);            // tagged
      default: return start;
    }
  }

  void store(Object& object, size_t word, uintptr_t value) {
    acre_store(heap_.thread(), object.memory, static_cast<void**>(object.memory) + word,
               reinterpret_cast<void*>(value));
  }

  void set_root(size_t slot, Object* object) {
    roots_[slot] = object;
    void* value = object == nullptr ? nullptr : reinterpret_cast<void*>(reference_to(*object));
    slots_[slot] = value;
  }

  const TestHeap& heap_;
  const std::vector<ShadowKind>& kinds_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Object>> objects_;
  Object* roots_[2 * kSlots] = {};
  void* slots_[2 * kSlots] = {};  // exact ones, then conservative ones
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_MARK_OBJECT_GRAPH_H_
