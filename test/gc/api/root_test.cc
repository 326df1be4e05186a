// Handles, ranges, scanners and locals: what each keeps, with content, and that its removal lets go.

#include "test/gc/api/heap_fixture.h"

namespace acre::test {
namespace {

struct Rooted : PreciseHeap {
  void* marked_object(unsigned char content, acre_kind kind = ACRE_KIND_LEAF) {
    void* object = alloc(100, kind);
    memset(object, content, 100);
    return object;
  }
  bool is_intact(const void* object, unsigned char content) const {
    if (!holds(object)) return false;
    const auto* bytes = static_cast<const unsigned char*>(object);
    for (int i = 0; i < 100; ++i) {
      if (bytes[i] != content) return false;
    }
    return true;
  }
};

struct Scanned {
  void* words[4] = {};
  int calls = 0;
  static void scan(acre_visitor* visitor, void* arg) {
    auto* self = static_cast<Scanned*>(arg);
    ++self->calls;
    for (void*& word : self->words) acre_visit(visitor, &word);
  }
  static void scan_conservatively(acre_visitor* visitor, void* arg) {
    auto* self = static_cast<Scanned*>(arg);
    acre_visit_conservative(visitor, self->words, sizeof(self->words));
  }
};

BOOST_AUTO_TEST_SUITE(root)

BOOST_FIXTURE_TEST_CASE(what_nothing_refers_to_is_collected_exactly, Rooted) {
  for (size_t bytes : kSizes) {
    for (int i = 0; i < 10; ++i) (void)alloc(bytes, ACRE_KIND_CONSERVATIVE);
  }
  collect();
  BOOST_TEST(live() == 0u);
  BOOST_TEST(stats().alloc == 0u);
  BOOST_TEST(stats().heap_inuse == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_handle_keeps_its_object_until_it_is_set_or_dropped, Rooted) {
  acre_handle* handle = acre_handle_new(thread, marked_object(1));
  void* first = acre_handle_get(handle);
  collect();
  BOOST_TEST(is_intact(first, 1));
  BOOST_TEST(stats().handles == 1u);
  void* second = marked_object(2);
  acre_handle_set(handle, second);
  BOOST_TEST(acre_handle_get(handle) == second);
  collect();
  BOOST_TEST(!holds(first));
  BOOST_TEST(is_intact(second, 2));
  acre_handle_set(handle, nullptr);
  collect();
  BOOST_TEST(live() == 0u);
  acre_handle_set(handle, marked_object(3));
  acre_handle_drop(handle);
  BOOST_TEST(stats().handles == 0u);
  collect();
  BOOST_TEST(live() == 0u);
  acre_handle_drop(nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_handle_of_null_is_a_handle, Rooted) {
  acre_handle* handle = acre_handle_new(thread, nullptr);
  BOOST_TEST_REQUIRE(handle != nullptr);
  BOOST_TEST(acre_handle_get(handle) == nullptr);
  collect();
  acre_handle_drop(handle);
}

BOOST_FIXTURE_TEST_CASE(many_handles_are_many_roots, Rooted) {
  std::vector<Handle> handles;
  for (int i = 0; i < 10000; ++i) {
    handles.emplace_back(thread, marked_object(static_cast<unsigned char>(i)));
    (void)alloc(100);
  }
  BOOST_TEST(stats().handles == 10000u);
  collect();
  BOOST_TEST(live() == 10000u);
  for (size_t i = 0; i < handles.size(); ++i) {
    BOOST_TEST_REQUIRE(is_intact(handles[i].get(), static_cast<unsigned char>(i)));
  }
  while (handles.size() > 100) handles.pop_back();
  collect();
  BOOST_TEST(live() == 100u);
  for (int i = 0; i < 5000; ++i) handles.emplace_back(thread, marked_object(7));
  collect();
  BOOST_TEST(live() == 5100u);
}

BOOST_FIXTURE_TEST_CASE(ranges_keep_what_their_words_refer_to, Rooted) {
  for (int conservative : {0, 1}) {
    void* words[10] = {};
    for (void*& word : words) word = marked_object(9);
    BOOST_TEST(acre_root_add(heap, words, sizeof(words), conservative) == ACRE_OK);
    (void)marked_object(1);
    collect();
    BOOST_TEST(live() == 10u);
    for (void* word : words) BOOST_TEST(is_intact(word, 9));
    void* dropped = words[4];
    words[4] = nullptr;
    collect();
    BOOST_TEST(!holds(dropped));
    BOOST_TEST(live() == 9u);
    BOOST_TEST(acre_root_remove(heap, words) == ACRE_OK);
    collect();
    BOOST_TEST(live() == 0u);
  }
}

BOOST_FIXTURE_TEST_CASE(ranges_take_interior_references_and_pass_over_other_words, Rooted) {
  for (int conservative : {0, 1}) {
    auto* object = static_cast<char*>(marked_object(4));
    int local = 0;
    void* words[6] = {
        object + 50, nullptr, reinterpret_cast<void*>(7), &local, reinterpret_cast<void*>(SIZE_MAX),
        heap};
    BOOST_TEST(acre_root_add(heap, words, sizeof(words), conservative) == ACRE_OK);
    collect();
    BOOST_TEST(is_intact(object, 4));
    BOOST_TEST(live() == 1u);
    BOOST_TEST(heap_is_whole(heap));
    BOOST_TEST(acre_root_remove(heap, words) == ACRE_OK);
    collect();
  }
}

BOOST_FIXTURE_TEST_CASE(misuse_of_ranges_has_a_status, Rooted) {
  alignas(8) static char room[64];
  BOOST_TEST(acre_root_add(nullptr, room, 8, 0) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_add(heap, nullptr, 8, 0) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_add(heap, room + 1, 8, 0) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_add(heap, room + 4, 8, 1) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_add(heap, room, 0, 0) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_add(heap, room, 12, 0) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_add(heap, room, SIZE_MAX - 7, 0) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_remove(heap, room) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_remove(nullptr, room) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_add(heap, room, 64, 0) == ACRE_OK);
  BOOST_TEST(acre_root_add(heap, room, 64, 0) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_add(heap, room, 8, 1) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_add(heap, room + 8, 8, 1) == ACRE_OK);
  BOOST_TEST(acre_root_remove(heap, room + 16) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_remove(heap, room) == ACRE_OK);
  BOOST_TEST(acre_root_remove(heap, room) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_remove(heap, room + 8) == ACRE_OK);
  BOOST_TEST(acre_root_add(heap, room, 64, 0) == ACRE_OK);
  BOOST_TEST(acre_root_remove(heap, room) == ACRE_OK);
}

BOOST_FIXTURE_TEST_CASE(scanners_are_called_in_each_collection_and_keep_what_they_visit, Rooted) {
  Scanned exact;
  Scanned conservative;
  BOOST_TEST(acre_root_scanner_add(heap, &Scanned::scan, &exact) == ACRE_OK);
  BOOST_TEST(acre_root_scanner_add(heap, &Scanned::scan_conservatively, &conservative) == ACRE_OK);
  exact.words[0] = marked_object(1);
  exact.words[1] = static_cast<char*>(marked_object(2)) + 3;
  conservative.words[3] = static_cast<char*>(marked_object(3)) + 99;
  (void)marked_object(4);
  const int before = exact.calls;
  collect();
  BOOST_TEST(exact.calls > before);
  BOOST_TEST(live() == 3u);
  BOOST_TEST(is_intact(exact.words[0], 1));
  BOOST_TEST(is_intact(static_cast<char*>(exact.words[1]) - 3, 2));
  BOOST_TEST(is_intact(static_cast<char*>(conservative.words[3]) - 99, 3));
  exact.words[0] = nullptr;
  collect();
  BOOST_TEST(live() == 2u);
  BOOST_TEST(acre_root_scanner_remove(heap, &Scanned::scan, &exact) == ACRE_OK);
  collect();
  BOOST_TEST(live() == 1u);
  BOOST_TEST(acre_root_scanner_remove(heap, &Scanned::scan_conservatively, &conservative) ==
             ACRE_OK);
  collect();
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(misuse_of_scanners_has_a_status, Rooted) {
  Scanned one;
  Scanned two;
  BOOST_TEST(acre_root_scanner_add(nullptr, &Scanned::scan, &one) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_scanner_add(heap, nullptr, &one) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_scanner_remove(heap, &Scanned::scan, &one) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_scanner_remove(nullptr, &Scanned::scan, &one) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_scanner_add(heap, &Scanned::scan, &one) == ACRE_OK);
  BOOST_TEST(acre_root_scanner_add(heap, &Scanned::scan, &one) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_scanner_add(heap, &Scanned::scan, &two) == ACRE_OK);
  BOOST_TEST(acre_root_scanner_remove(heap, &Scanned::scan_conservatively, &one) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_scanner_remove(heap, &Scanned::scan, &one) == ACRE_OK);
  BOOST_TEST(acre_root_scanner_remove(heap, &Scanned::scan, &one) == ACRE_E_INVALID);
  BOOST_TEST(acre_root_scanner_remove(heap, &Scanned::scan, &two) == ACRE_OK);
}

BOOST_FIXTURE_TEST_CASE(locals_keep_their_object_while_pushed, Rooted) {
  acre_local outer = {nullptr, marked_object(1)};
  acre_local inner = {nullptr, static_cast<char*>(marked_object(2)) + 8};
  void* second = static_cast<char*>(inner.object) - 8;
  acre_local_push(thread, &outer);
  acre_local_push(thread, &inner);
  collect();
  BOOST_TEST(live() == 2u);
  BOOST_TEST(is_intact(outer.object, 1));
  BOOST_TEST(is_intact(second, 2));
  void* first = outer.object;
  outer.object = marked_object(3);
  collect();
  BOOST_TEST(!holds(first));
  BOOST_TEST(acre_local_pop(thread, &outer) == ACRE_E_STATE);
  collect();
  BOOST_TEST(live() == 2u);
  BOOST_TEST(acre_local_pop(thread, &inner) == ACRE_OK);
  collect();
  BOOST_TEST(live() == 1u);
  BOOST_TEST(is_intact(outer.object, 3));
  BOOST_TEST(acre_local_pop(thread, &outer) == ACRE_OK);
  BOOST_TEST(acre_local_pop(thread, &outer) == ACRE_E_STATE);
  collect();
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(an_object_with_several_roots_needs_them_all_gone, Rooted) {
  void* object = marked_object(6);
  void* word = object;
  acre_handle* handle = acre_handle_new(thread, object);
  acre_local local = {nullptr, object};
  acre_local_push(thread, &local);
  BOOST_TEST(acre_root_add(heap, &word, sizeof(word), 0) == ACRE_OK);
  collect();
  acre_handle_drop(handle);
  collect();
  BOOST_TEST(is_intact(object, 6));
  (void)acre_local_pop(thread, &local);
  collect();
  BOOST_TEST(is_intact(object, 6));
  (void)acre_root_remove(heap, &word);
  collect();
  BOOST_TEST(!holds(object));
}

// Precise roots only: a reference on the stack is none.
BOOST_FIXTURE_TEST_CASE(the_stack_is_no_root_when_the_option_says_so, Rooted) {
  void* volatile on_the_stack = marked_object(1);
  collect();
  BOOST_TEST(!holds(on_the_stack));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
