// A process at the ceiling of its mappings (vm.max_map_count), all of them foreign: the heap goes on with
// what it has, collects, gives back, and says NULL when it cannot grow.
//
// In children, that allocate nothing by malloc while the ceiling is reached. Not under sanitizers, which
// map memory of their own.

#include <sys/mman.h>

#include "test/gc/api/heap_fixture.h"
#include "test/gc/api/process_view.h"
#include "test/runtime/base/forked_child.h"

namespace acre::test {
namespace {

#if !ACRE_TEST_SHADOW_MEMORY

// All that one process may have, by 4 KiB pages of alternating protection.
class ForeignMappings {
 public:
  // False: the machine allows so many that the pages' own tables would be too dear.
  bool fill() {
    std::ifstream file("/proc/sys/vm/max_map_count");
    size_t most = 0;
    if (!(file >> most) || most > 1'000'000) return false;
    file.close();
    bytes_ = (most + 16) * kPage;
    start_ = static_cast<char*>(
        mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (start_ == MAP_FAILED) return false;
    size_t at = kPage;
    while (at < bytes_ && mprotect(start_ + at, kPage, PROT_READ) == 0) at += 2 * kPage;
    if (at >= bytes_) return false;
    // What is left for mappings that need no split in two; shared ones merge with none.
    for (void*& one : lone_) one = MAP_FAILED;
    for (void*& one : lone_) {
      one = mmap(nullptr, kPage, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      if (one == MAP_FAILED) break;
    }
    // No half of anything is to be had any more.
    return lone_[kLone - 1] == MAP_FAILED &&
           mprotect(start_ + bytes_ - kPage, kPage, PROT_READ) != 0;
  }
  bool drop() {
    for (void* one : lone_) {
      if (one != MAP_FAILED && munmap(one, kPage) != 0) return false;
    }
    return munmap(start_, bytes_) == 0;
  }

 private:
  static constexpr size_t kPage = 4096;
  static constexpr size_t kLone = 8;
  char* start_ = nullptr;
  size_t bytes_ = 0;
  void* lone_[kLone] = {};
};

acre_options options_with(int mark_threads) {
  acre_options options = precise_options();
  options.gc_percent = 100;
  options.mark_threads = mark_threads;
  options.reserve_bytes = kGiB;
  return options;
}

struct User {
  acre_heap* heap = nullptr;
  acre_thread* thread = nullptr;
  acre_handle* list = nullptr;

  bool make(const acre_options& options) {
    return acre_heap_create(&options, &heap) == ACRE_OK &&
           acre_thread_attach(heap, &thread) == ACRE_OK &&
           (list = acre_handle_new(thread, nullptr)) != nullptr;
  }
  // How many objects it got, at most; the last one NULL for the right reason.
  size_t push(size_t bytes, size_t most) const {
    size_t got = 0;
    for (; got < most; ++got) {
      auto** node = static_cast<void**>(acre_alloc(thread, bytes, ACRE_KIND_CONSERVATIVE));
      if (node == nullptr) return acre_last_error(thread) == ACRE_E_NOMEM ? got : SIZE_MAX;
      if (node[1] != nullptr || node[bytes / sizeof(void*) - 1] != nullptr) return SIZE_MAX;
      node[0] = acre_handle_get(list);
      node[1] = node;
      node[bytes / sizeof(void*) - 1] = node;
      acre_handle_set(list, node);
    }
    return got;
  }
  void drop() const { acre_handle_set(list, nullptr); }
  bool is_whole() const {
    size_t length = 0;
    for (auto** node = static_cast<void**>(acre_handle_get(list)); node != nullptr;
         node = static_cast<void**>(node[0]), ++length) {
      if (node[1] != node) return false;
    }
    return acre_verify(heap, nullptr, nullptr) == ACRE_OK;
  }
  uint64_t stat(uint64_t acre_stats::*field) const { return read_stats(heap).*field; }
};

// A heap that lives through it. 0, or what went wrong.
int use_at_the_ceiling(const User& user, uint64_t had) {
  // It has this much, and grows by merging with what it has, or does not grow.
  const size_t first = user.push(kMiB, 1000);
  if (first == SIZE_MAX) return 1;
  if (user.stat(&acre_stats::heap_sys) < had) return 2;
  if ((first + 40) * kMiB < had) return 3;
  if (!user.is_whole()) return 4;
  user.drop();
  acre_collect(user.thread);
  if (user.stat(&acre_stats::live_objects) != 0) return 5;
  // Everything again, in other sizes.
  if (user.push(300 * kKiB, 1000) < 100) return 6;
  if (user.push(100, 20000) == SIZE_MAX) return 10;
  if (!user.is_whole()) return 7;
  user.drop();
  acre_release_memory(user.thread);
  if (acre_resident_bytes(user.heap) > 8 * kMiB) return 8;
  if (user.push(kMiB, 40) != 40 || !user.is_whole()) return 9;
  return 0;
}

int live_at_the_ceiling() {
  User old;
  User fresh;
  User doomed;
  User idle;
  if (!old.make(options_with(4)) || !fresh.make(options_with(4)) || !doomed.make(options_with(1)) ||
      !idle.make(options_with(1))) {
    return 10;
  }
  // Two arenas, a collection, and a background thread that exists; or none of these.
  if (old.push(kMiB, 100) != 100 || doomed.push(kMiB, 10) != 10 || idle.push(kMiB, 100) != 100) {
    return 11;
  }
  old.drop();
  acre_collect(old.thread);
  idle.drop();
  (void)background_threads();  // so that libc has what it needs
  ForeignMappings foreign;
  if (!foreign.fill()) return 12;

  const uint64_t had = old.stat(&acre_stats::heap_sys);
  if (const int bad = use_at_the_ceiling(old, had); bad != 0) return 100 + bad;
  // Its first arena would be a mapping more.
  if (fresh.push(100, 100) == SIZE_MAX || !fresh.is_whole()) return 13;
  acre_collect(fresh.thread);

  // The background thread is made here, has no mapping of its own, and gives back.
  acre_collect(idle.thread);
  acre_blocking_begin(idle.thread);
  const uint64_t limit = 24 * kMiB;
  if (!comes_true(40, [&] { return acre_resident_bytes(idle.heap) < limit; })) return 14;
  acre_blocking_end(idle.thread);

  // Another heap: made, or a status.
  const acre_options options = options_with(1);
  acre_heap* late = nullptr;
  const acre_status made = acre_heap_create(&options, &late);
  if (made != ACRE_OK && made != ACRE_E_NOMEM && made != ACRE_E_ADDRESS_SPACE) return 15;
  if ((made == ACRE_OK) != (late != nullptr)) return 16;
  if (late != nullptr && acre_heap_destroy(late) != ACRE_OK) return 17;
  const acre_status ended = acre_heap_destroy(doomed.heap);
  if (ended != ACRE_OK && ended != ACRE_E_NOMEM) return 18;

  if (!foreign.drop()) return 19;
  if (ended != ACRE_OK && acre_heap_destroy(doomed.heap) != ACRE_OK) return 20;
  for (const User* user : {&old, &fresh, &idle}) {
    user->drop();
    if (user->push(kMiB, 300) != 300 || !user->is_whole()) return 21;
    acre_collect(user->thread);
    if (acre_heap_destroy(user->heap) != ACRE_OK) return 22;
  }
  User again;
  if (!again.make(options_with(2)) || again.push(kMiB, 100) != 100) return 23;
  return acre_heap_destroy(again.heap) == ACRE_OK ? 0 : 24;
}

// One arena is mapped: what comes behind it merges with it. 0, or what went wrong.
int grow_at_the_ceiling(int huge_pages) {
  acre_options options = options_with(1);
  options.huge_pages = huge_pages;
  User user;
  if (!user.make(options) || user.push(kMiB, 40) != 40) return 1;
  ForeignMappings foreign;
  if (!foreign.fill()) return 2;
  if (user.push(kMiB, 200) != 200) return 3;
  if (user.stat(&acre_stats::heap_sys) < 240 * kMiB || !user.is_whole()) return 4;
  return acre_heap_destroy(user.heap) == ACRE_OK ? 0 : 5;
}

// Where the heap ends at the ceiling: all of it, in any order.
int end_at_the_ceiling() {
  User users[4];
  for (User& user : users) {
    if (!user.make(options_with(2)) || user.push(kMiB, 80) != 80) return 1;
    acre_collect(user.thread);
  }
  ForeignMappings foreign;
  if (!foreign.fill()) return 2;
  int refused = 0;
  for (const User& user : users) {
    const acre_status status = acre_heap_destroy(user.heap);
    if (status == ACRE_E_NOMEM) ++refused;
    if (status != ACRE_OK && status != ACRE_E_NOMEM) return 3;
  }
  if (!background_threads().empty()) return 4;
  return refused == 0 ? 0 : 50 + refused;
}

#endif

BOOST_AUTO_TEST_SUITE(vma_ceiling)

#if !ACRE_TEST_SHADOW_MEMORY

BOOST_AUTO_TEST_CASE(heaps_live_with_what_they_have_and_grow_again_later) {
  const ChildEnd end = in_forked_child([] {
    alarm(100);
    return live_at_the_ceiling();
  });
  BOOST_TEST(end.exited_with(0), "status " << end.status << ": " << end.stderr_text);
}

BOOST_AUTO_TEST_CASE(a_heap_grows_there_from_its_first_arena_on) {
  for (const int huge_pages :
       {ACRE_HUGE_PAGES_AUTO, ACRE_HUGE_PAGES_ALWAYS, ACRE_HUGE_PAGES_NEVER}) {
    const ChildEnd end = in_forked_child([huge_pages] {
      alarm(100);
      return grow_at_the_ceiling(huge_pages);
    });
    BOOST_TEST(end.exited_with(0), huge_pages << ": " << end.status << ": " << end.stderr_text);
  }
}

BOOST_AUTO_TEST_CASE(heaps_end_there) {
  const ChildEnd end = in_forked_child([] {
    alarm(100);
    return end_at_the_ceiling();
  });
  BOOST_TEST(end.exited_with(0), "status " << end.status << ": " << end.stderr_text);
}

#else

BOOST_AUTO_TEST_CASE(sanitizers_map_memory_of_their_own) {}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
