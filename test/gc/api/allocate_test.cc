// acre_alloc and its like: what is asked for, what is refused, what is zero.

#include <algorithm>
#include <random>
#include <set>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

BOOST_AUTO_TEST_SUITE(allocate)

BOOST_FIXTURE_TEST_CASE(size_zero_gives_distinct_valid_objects, PreciseHeap) {
  std::set<void*> seen;
  for (acre_kind kind : {ACRE_KIND_LEAF, ACRE_KIND_CONSERVATIVE}) {
    for (int i = 0; i < 2000; ++i) {
      void* object = alloc(0, kind);
      BOOST_TEST_REQUIRE(object != nullptr);
      BOOST_TEST_REQUIRE(seen.insert(object).second);
      BOOST_TEST_REQUIRE(acre_object_base(heap, object) == object);
      BOOST_TEST_REQUIRE(acre_object_size(heap, object) > 0u);
      BOOST_TEST_REQUIRE(acre_object_kind(heap, object) == kind);
    }
  }
  BOOST_TEST(live() == 4000u);
}

BOOST_FIXTURE_TEST_CASE(every_size_is_aligned_zero_and_large_enough, PreciseHeap) {
  for (acre_kind kind : {ACRE_KIND_LEAF, ACRE_KIND_CONSERVATIVE}) {
    for (size_t bytes : kSizes) {
      void* object = alloc(bytes, kind);
      BOOST_TEST_REQUIRE(object != nullptr);
      const size_t size = acre_object_size(heap, object);
      BOOST_TEST(reinterpret_cast<uintptr_t>(object) % 16 == 0u);
      BOOST_TEST(size >= bytes);
      // At most an eighth is lost by design, and no less than a granule.
      BOOST_TEST(size <= bytes + std::max<size_t>(bytes / 4, bytes > 32768 ? 8192 : 16));
      BOOST_TEST(all_zero(object, size));
      BOOST_TEST(acre_object_kind(heap, object) == kind);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(sizes_that_no_heap_can_hold_give_null, PreciseHeap) {
  const size_t reserved = stats().reserved;
  void* sane = alloc(100);
  const Handle root(thread, sane);
  for (size_t bytes : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 15, SIZE_MAX - 4095, SIZE_MAX - 8191,
                       SIZE_MAX / 2, SIZE_MAX / 2 + 1, reserved + 1, reserved + 8192, reserved * 2,
                       size_t{1} << 48, size_t{1} << 40}) {
    for (acre_kind kind : {ACRE_KIND_LEAF, ACRE_KIND_CONSERVATIVE}) {
      BOOST_TEST(alloc(bytes, kind) == nullptr);
      BOOST_TEST(last_error() == ACRE_E_NOMEM);
      BOOST_TEST(acre_alloc_aligned(thread, bytes, 1 << 20, kind) == nullptr);
      BOOST_TEST(last_error() == ACRE_E_NOMEM);
      BOOST_TEST(acre_alloc_aligned(thread, bytes, 64, kind) == nullptr);
      BOOST_TEST(last_error() == ACRE_E_NOMEM);
    }
    BOOST_TEST(acre_alloc_uninit(thread, bytes, ACRE_KIND_LEAF) == nullptr);
    BOOST_TEST(last_error() == ACRE_E_NOMEM);
    BOOST_TEST(acre_realloc(thread, nullptr, bytes) == nullptr);
    BOOST_TEST(acre_realloc(thread, sane, bytes) == nullptr);
    BOOST_TEST(last_error() == ACRE_E_NOMEM);
    BOOST_TEST(holds(sane));
  }
  BOOST_TEST(acre_strerror(last_error()) != nullptr);
  BOOST_TEST(alloc(16) != nullptr);
  BOOST_TEST(last_error() == ACRE_E_NOMEM);  // not reset by what succeeds
}

BOOST_FIXTURE_TEST_CASE(unknown_kinds_give_null, PreciseHeap) {
  const acre_kind next = static_cast<acre_kind>(stats().kinds);
  BOOST_TEST(next == 2u);
  for (acre_kind kind : {next, next + 1, acre_kind{ACRE_MAX_KINDS}, acre_kind{254}, acre_kind{256},
                         acre_kind{257}, acre_kind{1} << 16, acre_kind{1} << 31,
                         acre_kind{ACRE_KIND_NONE} - 1, acre_kind{ACRE_KIND_NONE}}) {
    for (size_t bytes : kSizes) {
      (void)alloc(SIZE_MAX);  // sets another reason
      BOOST_TEST(alloc(bytes, kind) == nullptr);
      BOOST_TEST(last_error() == ACRE_E_INVALID);
      BOOST_TEST(acre_alloc_aligned(thread, bytes, 4096, kind) == nullptr);
      BOOST_TEST(acre_alloc_uninit(thread, bytes, kind) == nullptr);
    }
    BOOST_TEST(last_error() == ACRE_E_INVALID);
  }
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(alignments_that_are_no_power_of_two_up_to_a_mib_give_null, PreciseHeap) {
  for (size_t align : {size_t{0}, size_t{3}, size_t{6}, size_t{12}, size_t{24}, size_t{48},
                       size_t{100}, size_t{4095}, size_t{4097}, size_t{3} << 18, kMiB + 1, 2 * kMiB,
                       size_t{1} << 32, size_t{1} << 63, SIZE_MAX}) {
    for (size_t bytes : {size_t{0}, size_t{16}, size_t{40000}}) {
      (void)alloc(SIZE_MAX);
      BOOST_TEST(acre_alloc_aligned(thread, bytes, align, ACRE_KIND_LEAF) == nullptr);
      BOOST_TEST(last_error() == ACRE_E_INVALID);
    }
  }
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(every_legal_alignment_holds_for_every_size, PreciseHeap) {
  for (acre_kind kind : {ACRE_KIND_LEAF, ACRE_KIND_CONSERVATIVE}) {
    for (size_t align = 1; align <= kMiB; align *= 2) {
      for (size_t bytes : kSizes) {
        void* first = acre_alloc_aligned(thread, bytes, align, kind);
        void* second = acre_alloc_aligned(thread, bytes, align, kind);
        for (void* object : {first, second}) {
          BOOST_TEST_REQUIRE(object != nullptr);
          const size_t size = acre_object_size(heap, object);
          BOOST_TEST(reinterpret_cast<uintptr_t>(object) % align == 0u);
          BOOST_TEST(reinterpret_cast<uintptr_t>(object) % 16 == 0u);
          BOOST_TEST(size >= bytes);
          BOOST_TEST(all_zero(object, size));
          BOOST_TEST(acre_object_kind(heap, object) == kind);
          BOOST_TEST(acre_object_base(heap, static_cast<char*>(object) + size - 1) == object);
        }
        BOOST_TEST(first != second);
        memset(first, 0xa5, bytes);
        BOOST_TEST(all_zero(second, bytes));
      }
    }
    collect();
    BOOST_TEST(live() == 0u);
    check_identities(stats());
  }
}

BOOST_FIXTURE_TEST_CASE(objects_do_not_overlap, PreciseHeap) {
  std::mt19937_64 random(random_seed());
  struct Block {
    unsigned char* start;
    size_t size;
  };
  std::vector<Block> blocks;
  for (int i = 0; i < 5000; ++i) {
    const size_t bytes = random() % 8 == 0 ? random() % 70000 : random() % 600;
    const size_t align = random() % 4 == 0 ? size_t{1} << random() % 16 : 1;
    void* object = acre_alloc_aligned(thread, bytes, align, ACRE_KIND_LEAF);
    BOOST_TEST_REQUIRE(object != nullptr);
    blocks.push_back({static_cast<unsigned char*>(object), acre_object_size(heap, object)});
  }
  std::sort(blocks.begin(), blocks.end(),
            [](const Block& a, const Block& b) { return a.start < b.start; });
  for (size_t i = 1; i < blocks.size(); ++i) {
    BOOST_TEST_REQUIRE(blocks[i - 1].start + blocks[i - 1].size <= blocks[i].start);
  }
}

BOOST_FIXTURE_TEST_CASE(uninitialised_memory_is_for_leaf_kinds_only, PreciseHeap) {
  const uint8_t bitmap = 1;
  const acre_kind mapped = add_kind(&bitmap, 1);
  const acre_kind traced = add_kind([](void*, size_t, acre_visitor*) {});
  const acre_kind_info leaf_info = {sizeof(leaf_info), "own leaf", nullptr, nullptr, 0, 0};
  acre_kind own_leaf = 0;
  BOOST_TEST(acre_kind_register(heap, &leaf_info, &own_leaf) == ACRE_OK);
  for (size_t bytes : kSizes) {
    for (acre_kind kind : {acre_kind{ACRE_KIND_CONSERVATIVE}, mapped, traced}) {
      (void)alloc(SIZE_MAX);
      BOOST_TEST(acre_alloc_uninit(thread, bytes, kind) == nullptr);
      BOOST_TEST(last_error() == ACRE_E_INVALID);
    }
    for (acre_kind kind : {acre_kind{ACRE_KIND_LEAF}, own_leaf}) {
      void* object = acre_alloc_uninit(thread, bytes, kind);
      BOOST_TEST_REQUIRE(object != nullptr);
      BOOST_TEST(acre_object_size(heap, object) >= bytes);
      BOOST_TEST(acre_object_kind(heap, object) == kind);
      memset(object, 0xff, bytes);
    }
  }
}

// Fills what there is with ones, drops it, and allocates again until well over all that was dirty is
// reused.
struct DirtyHeap : PreciseHeap {
  acre_kind kinds[4] = {ACRE_KIND_LEAF, ACRE_KIND_CONSERVATIVE, 0, 0};

  DirtyHeap() {
    static constexpr uint8_t kBitmap = 1;
    kinds[2] = add_kind(&kBitmap, 2);
    kinds[3] = add_kind([](void*, size_t, acre_visitor*) {});
  }

  static size_t count_for(size_t bytes) { return bytes > 32768 ? 8 : 65536 / (bytes + 16) + 40; }

  void fill_with_ones() {
    for (acre_kind kind : kinds) {
      for (size_t bytes : kSizes) {
        for (size_t i = 0; i < count_for(bytes); ++i) {
          void* object = alloc(bytes, kind);
          memset(object, 0xff, acre_object_size(heap, object));
        }
      }
    }
  }

  void check_fresh_objects_are_zero() {
    for (acre_kind kind : kinds) {
      for (size_t bytes : kSizes) {
        for (size_t i = 0; i < count_for(bytes); ++i) {
          void* object = alloc(bytes, kind);
          const size_t size = acre_object_size(heap, object);
          if (!all_zero(object, size)) {
            BOOST_TEST_REQUIRE(false, "kind " << kind << ", " << bytes << " bytes, object " << i);
          }
          memset(object, 0xff, size);
        }
      }
    }
  }
};

BOOST_FIXTURE_TEST_CASE(memory_is_zero_after_reuse, DirtyHeap) {
  fill_with_ones();
  const uint64_t grown = stats().heap_inuse;
  for (int round = 0; round < 3; ++round) {
    collect();
    BOOST_TEST(live() == 0u);
    check_fresh_objects_are_zero();
  }
  BOOST_TEST(stats().heap_inuse <= grown + grown / 4);  // it was reuse
}

BOOST_FIXTURE_TEST_CASE(memory_is_zero_in_holes_between_survivors, DirtyHeap) {
  std::vector<Handle> roots;
  for (acre_kind kind : kinds) {
    for (size_t bytes : kSizes) {
      for (size_t i = 0; i < count_for(bytes); ++i) {
        void* object = alloc(bytes, kind);
        if (i % 3 == 0) {
          roots.emplace_back(thread, object);
        } else {
          memset(object, 0xff, acre_object_size(heap, object));
        }
      }
    }
  }
  collect();
  BOOST_TEST(live() == roots.size());
  check_fresh_objects_are_zero();
  for (const Handle& root : roots) {
    BOOST_TEST_REQUIRE(all_zero(root.get(), acre_object_size(heap, root.get())));
  }
}

BOOST_FIXTURE_TEST_CASE(memory_is_zero_after_release_and_after_free, DirtyHeap) {
  fill_with_ones();
  acre_release_memory(thread);
  check_fresh_objects_are_zero();
  collect();
  std::vector<void*> objects;
  for (int round = 0; round < 3; ++round) {
    for (acre_kind kind : kinds) {
      for (size_t bytes : kSizes) {
        for (int i = 0; i < 40; ++i) {
          void* object = alloc(bytes, kind);
          const size_t size = acre_object_size(heap, object);
          BOOST_TEST_REQUIRE(all_zero(object, size));
          memset(object, 0xff, size);
          objects.push_back(object);
        }
      }
    }
    for (void* object : objects) acre_free(thread, object);
    objects.clear();
    if (round == 0) collect();
  }
  BOOST_TEST(live() == 0u);
}

BOOST_AUTO_TEST_CASE(each_allocation_is_zero_when_every_one_collects) {
  acre_options options = precise_options();
  options.gc_every = 1;
  options.clobber_free = 1;
  options.verify = 1;
  Heap heap(options);
  for (acre_kind kind : {ACRE_KIND_LEAF, ACRE_KIND_CONSERVATIVE}) {
    for (size_t bytes : kSizes) {
      for (int i = 0; i < 5; ++i) {
        void* object = heap.alloc(bytes, kind);
        const size_t size = acre_object_size(heap.heap, object);
        BOOST_TEST_REQUIRE(all_zero(object, size));
        memset(object, 0xff, size);
      }
    }
  }
  BOOST_TEST(heap.stats().num_gc >= 5 * 2 * std::size(kSizes));
  BOOST_TEST(heap.live() <= 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
