// A heap that is full: handler, NULL, nothing harmed, and back to work.

#include "test/gc/api/heap_fixture.h"

namespace acre::test {
namespace {

struct Node {
  Node* next;
  uint64_t bytes;
  uint64_t sum;
  unsigned char content[];
};

uint64_t checksum(const Node& node) {
  uint64_t sum = node.bytes;
  for (uint64_t i = 0; i < node.bytes - sizeof(Node); i += 61) sum = sum * 31 + node.content[i];
  return sum;
}

struct Asked {
  int calls = 0;
  size_t bytes = 0;
  acre_heap* heap = nullptr;
  int answer = 0;
  static int handler(acre_heap* heap, size_t bytes, void* arg) {
    auto* self = static_cast<Asked*>(arg);
    ++self->calls;
    self->bytes = bytes;
    self->heap = heap;
    return self->answer;
  }
};

acre_options small_heap(size_t reserve) {
  acre_options options = precise_options();
  options.reserve_bytes = reserve;
  options.gc_percent = 100;
  return options;
}

// A heap of 256 MiB and a list that fills it.
struct FullHeap : Heap {
  Handle list{thread, nullptr};
  acre_kind node_kind = add_kind([](void* object, size_t, acre_visitor* visitor) {
    acre_visit(visitor, static_cast<void**>(object));
  });
  uint64_t nodes = 0;
  uint64_t bytes = 0;
  size_t next = 0;

  FullHeap() : Heap(small_heap(256 * kMiB)) {}

  // False: no memory.
  bool add(size_t size) {
    auto* node = static_cast<Node*>(alloc(size, node_kind));
    if (node == nullptr) return false;
    node->bytes = size;
    for (uint64_t i = 0; i < size - sizeof(Node); i += 61) {
      node->content[i] = static_cast<unsigned char>(i * 7 + nodes);
    }
    node->sum = checksum(*node);
    acre_store(thread, node, reinterpret_cast<void**>(&node->next), list.get());
    list.set(node);
    ++nodes;
    bytes += size;
    return true;
  }

  // Returns the size that found no room.
  size_t fill() {
    static constexpr size_t kSteps[] = {64, 1000, 3000, 100, 20000, 32768, 50000, 300000, 700, 40};
    for (;;) {
      const size_t size = kSteps[next++ % std::size(kSteps)];
      if (!add(size)) return size;
      if (next % 2000 == 0) BOOST_TEST_REQUIRE(heap_is_whole(heap));
    }
  }

  uint64_t count_intact() const {
    uint64_t intact = 0;
    for (auto* node = static_cast<Node*>(list.get()); node != nullptr; node = node->next) {
      if (checksum(*node) != node->sum) return intact;
      ++intact;
    }
    return intact;
  }

  // Drops every second node.
  void drop_half() {
    uint64_t kept = 0;
    for (auto* node = static_cast<Node*>(list.get()); node != nullptr; node = node->next) {
      if (node->next != nullptr) {
        acre_store(thread, node, reinterpret_cast<void**>(&node->next), node->next->next);
      }
      ++kept;
    }
    nodes = kept;
  }
};

BOOST_AUTO_TEST_SUITE(out_of_memory)

BOOST_FIXTURE_TEST_CASE(a_full_heap_asks_and_then_gives_null_and_harms_nothing, FullHeap) {
  Asked asked;
  acre_set_oom_handler(heap, &Asked::handler, &asked);
  BOOST_TEST(stats().reserved == 256 * kMiB);
  const size_t refused = fill();
  BOOST_TEST(last_error() == ACRE_E_NOMEM);
  BOOST_TEST(asked.calls == 1);
  BOOST_TEST(asked.bytes == refused);
  BOOST_TEST(asked.heap == heap);
  BOOST_TEST(bytes >= 256 * kMiB * 8 / 10);
  BOOST_TEST(heap_is_whole(heap));
  BOOST_TEST(count_intact() == nodes);
  BOOST_TEST(live() == nodes);
  check_identities(stats());

  // Down to where not even the smallest fits; each refusal asks once.
  for (size_t size : {30000, 8192, 1024, 64, 48, 32}) {
    while (add(size)) {
    }
    BOOST_TEST(asked.bytes == size);
  }
  BOOST_TEST(asked.calls == 7);
  BOOST_TEST(stats().heap_inuse >= 255 * kMiB);
  BOOST_TEST(heap_is_whole(heap));
  BOOST_TEST(count_intact() == nodes);
  BOOST_TEST(alloc(1, node_kind) == nullptr);
  BOOST_TEST(alloc(100000) == nullptr);

  drop_half();
  BOOST_TEST(add(1000));
  BOOST_TEST(add(64));
  BOOST_TEST(heap_is_whole(heap));
  (void)fill();
  BOOST_TEST(count_intact() == nodes);
  list.set(nullptr);
  BOOST_TEST(alloc(200 * kMiB) != nullptr);
  collect();
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(without_a_handler_it_is_null, FullHeap) {
  (void)fill();
  BOOST_TEST(last_error() == ACRE_E_NOMEM);
  acre_set_oom_handler(heap, nullptr, nullptr);
  BOOST_TEST(alloc(kMiB) == nullptr);
  BOOST_TEST(count_intact() == nodes);
}

BOOST_AUTO_TEST_CASE(a_handler_that_makes_room_and_says_so_lets_the_allocation_succeed) {
  FullHeap full;
  struct Cache {
    FullHeap* heap;
    int calls = 0;
    static int drop(acre_heap*, size_t, void* arg) {
      auto* self = static_cast<Cache*>(arg);
      ++self->calls;
      self->heap->list.set(nullptr);
      return 1;
    }
  } cache{&full};
  (void)full.fill();
  acre_set_oom_handler(full.heap, &Cache::drop, &cache);
  BOOST_TEST(full.alloc(40 * kMiB) != nullptr);
  BOOST_TEST(cache.calls == 1);
}

BOOST_AUTO_TEST_CASE(a_handler_that_frees_by_hand_lets_the_allocation_succeed) {
  Heap heap(small_heap(64 * kMiB));
  struct Spare {
    acre_heap* heap;
    void* object;
    static int free_it(acre_heap* h, size_t, void* arg) {
      auto* self = static_cast<Spare*>(arg);
      acre_free(acre_thread_current(h), self->object);
      self->object = nullptr;
      return 1;
    }
  } spare{heap.heap, heap.alloc(40 * kMiB)};
  BOOST_TEST(acre_root_add(heap.heap, &spare.object, sizeof(void*), 0) == ACRE_OK);
  acre_set_oom_handler(heap.heap, &Spare::free_it, &spare);
  BOOST_TEST(heap.alloc(50 * kMiB) != nullptr);
  BOOST_TEST(spare.object == nullptr);
  BOOST_TEST(acre_root_remove(heap.heap, &spare.object) == ACRE_OK);
}

BOOST_FIXTURE_TEST_CASE(a_handler_that_promises_too_much_is_asked_once_an_allocation, FullHeap) {
  Asked asked;
  asked.answer = 1;
  (void)fill();
  acre_set_oom_handler(heap, &Asked::handler, &asked);
  BOOST_TEST(alloc(30 * kMiB) == nullptr);
  BOOST_TEST(asked.calls == 1);
  BOOST_TEST(last_error() == ACRE_E_NOMEM);
  BOOST_TEST(alloc(30 * kMiB) == nullptr);
  BOOST_TEST(asked.calls == 2);
}

BOOST_AUTO_TEST_CASE(a_failing_allocation_in_the_handler_does_not_ask_again) {
  FullHeap full;
  struct Greedy {
    FullHeap* heap;
    int calls = 0;
    int failed = 0;
    static int allocate(acre_heap*, size_t bytes, void* arg) {
      auto* self = static_cast<Greedy*>(arg);
      ++self->calls;
      if (self->heap->alloc(bytes) == nullptr) ++self->failed;
      if (self->heap->alloc(100 * kMiB) == nullptr) ++self->failed;
      return 0;
    }
  } greedy{&full};
  (void)full.fill();
  acre_set_oom_handler(full.heap, &Greedy::allocate, &greedy);
  BOOST_TEST(full.alloc(20 * kMiB) == nullptr);
  BOOST_TEST(greedy.calls == 1);
  BOOST_TEST(greedy.failed == 2);
  BOOST_TEST(full.alloc(20 * kMiB) == nullptr);
  BOOST_TEST(greedy.calls == 2);
}

BOOST_FIXTURE_TEST_CASE(the_handler_hears_the_size_that_was_asked_for, FullHeap) {
  Asked asked;
  (void)fill();
  for (size_t size : {32768, 8192, 1024, 64, 32}) {
    while (add(size)) {
    }
  }
  acre_set_oom_handler(heap, &Asked::handler, &asked);
  for (size_t size : {1, 100, 5000, 50000, 12345678}) {
    asked.bytes = 0;
    BOOST_TEST(alloc(size, ACRE_KIND_CONSERVATIVE) == nullptr);
    BOOST_TEST(asked.bytes == size);
    asked.bytes = 0;
    BOOST_TEST(acre_alloc_aligned(thread, size, 128, ACRE_KIND_CONSERVATIVE) == nullptr);
    BOOST_TEST(asked.bytes == size);
    asked.bytes = 0;
    BOOST_TEST(acre_alloc_aligned(thread, size, 65536, ACRE_KIND_CONSERVATIVE) == nullptr);
    BOOST_TEST(asked.bytes == size);
    asked.bytes = 0;
    BOOST_TEST(acre_alloc_uninit(thread, size, ACRE_KIND_LEAF) == nullptr);
    BOOST_TEST(asked.bytes == size);
  }
}

BOOST_AUTO_TEST_CASE(garbage_alone_never_fills_a_heap) {
  acre_options options = small_heap(64 * kMiB);
  options.gc_percent = -1;
  Heap heap(options);
  Asked asked;
  acre_set_oom_handler(heap.heap, &Asked::handler, &asked);
  const auto churn = [&heap](size_t bytes, int count) {
    for (int i = 0; i < count; ++i) {
      if (heap.alloc(bytes, ACRE_KIND_CONSERVATIVE) == nullptr) return i;
    }
    return count;
  };
  BOOST_TEST(churn(100000, 3000) == 3000);
  BOOST_TEST(churn(1000, 300000) == 300000);
  BOOST_TEST(churn(30 * kMiB, 30) == 30);
  BOOST_TEST(asked.calls == 0);
  BOOST_TEST(heap.stats().num_gc > 5u);
  BOOST_TEST(heap.stats().num_forced_gc == 0u);
}

BOOST_AUTO_TEST_CASE(one_object_may_take_the_whole_range) {
  Heap heap(small_heap(64 * kMiB));
  auto* object = static_cast<char*>(heap.alloc(64 * kMiB));
  BOOST_TEST_REQUIRE(object != nullptr);
  object[64 * kMiB - 1] = 1;
  BOOST_TEST(heap.stats().heap_idle == 0u);
  const Handle root(heap.thread, object);
  BOOST_TEST(heap.alloc(1) == nullptr);
  BOOST_TEST(acre_object_base(heap.heap, object + 64 * kMiB - 1) == object);
  BOOST_TEST(acre_object_base(heap.heap, object + 64 * kMiB) == nullptr);
}

BOOST_AUTO_TEST_CASE(more_handles_than_the_books_hold_are_null_and_marking_goes_on) {
  // Handles take room in the books, of which the smallest heap has about 64 MiB.
  Heap heap(small_heap(64 * kMiB));
  acre_handle* last = nullptr;
  uint64_t count = 0;
  while ((last = acre_handle_new(heap.thread, nullptr)) != nullptr) {
    ++count;
  }
  BOOST_TEST(heap.last_error() == ACRE_E_NOMEM);
  BOOST_TEST(heap.stats().handles == count);
  // Marking needs buffers from the same books, and makes do with what it has.
  void** head = nullptr;
  acre_local local = {nullptr, nullptr};
  acre_local_push(heap.thread, &local);
  for (int i = 0; i < 100000; ++i) {
    auto** node = static_cast<void**>(heap.alloc(64, ACRE_KIND_CONSERVATIVE));
    if (node == nullptr) BOOST_TEST_REQUIRE(false);
    node[0] = head;
    if (i % 2 == 0) node[1] = heap.alloc(16);
    head = node;
    local.object = head;
  }
  heap.collect();
  BOOST_TEST(heap.live() == 150000u);
  BOOST_TEST(acre_local_pop(heap.thread, &local) == ACRE_OK);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
