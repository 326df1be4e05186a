// Objects of explicit kinds that one thread allocates and another one frees, while the world is stopped, threads
// come and go, statistics are read, and the process forks.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <random>

#include "test/gc/api/uncooperative_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

acre_kind explicit_kind(acre_heap* heap) {
  const acre_kind_info info = {sizeof(info), "by hand", nullptr, nullptr, 0, ACRE_KIND_EXPLICIT};
  acre_kind kind = ACRE_KIND_NONE;
  BOOST_REQUIRE(acre_kind_register(heap, &info, &kind) == ACRE_OK);
  return kind;
}

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// An object knows its size and who it is.
struct Parcel {
  size_t bytes;
  uint64_t check;
};

Parcel* make_parcel(acre_thread* thread, acre_kind kind, uint64_t random) {
  const size_t bytes = sizeof(Parcel) + (random % 64 == 0 ? random % 50'000 : random % 300);
  auto* parcel = static_cast<Parcel*>(acre_alloc_uninit(thread, bytes, kind));
  require(parcel != nullptr, "there is room");
  memset(static_cast<void*>(parcel), static_cast<int>(bytes), bytes);
  parcel->bytes = bytes;
  parcel->check = bytes ^ reinterpret_cast<uintptr_t>(parcel);
  return parcel;
}

void free_parcel(acre_thread* thread, acre_kind kind, Parcel* parcel, bool by_size) {
  if (parcel == nullptr) return;
  const size_t bytes = parcel->bytes;
  require(parcel->check == (bytes ^ reinterpret_cast<uintptr_t>(parcel)),
          "nobody else wrote to it");
  const auto* at = reinterpret_cast<const unsigned char*>(parcel);
  for (size_t i = sizeof(Parcel); i < bytes; ++i) {
    require(at[i] == static_cast<unsigned char>(bytes), "nor to its content");
  }
  if (by_size) {
    acre_free_sized(thread, parcel, bytes, kind);
  } else {
    acre_free(thread, parcel);
  }
}

// Threads exchange parcels through a table.
class Exchange {
 public:
  explicit Exchange(const acre_options& options)
      : heap_(options), kind_(explicit_kind(heap_.heap)) {}

  void run(unsigned threads, int manner_of_last, int parcels) {
    std::vector<std::thread> all;
    const uint64_t seed = random_seed();
    std::atomic<unsigned> running{threads};
    for (unsigned i = 0; i < threads; ++i) {
      const int manner = i + 1 == threads ? manner_of_last : int{ACRE_THREAD_COOPERATIVE};
      all.emplace_back([this, seed, i, manner, parcels, &running] {
        work(seed + i, manner, parcels);
        --running;
      });
    }
    look_on(running);
    wait_for(all);
    BOOST_TEST(heap_is_whole(heap_.heap));
    for (auto& place : table_) free_parcel(heap_.thread, kind_, place.exchange(nullptr), true);
    const acre_stats stats = heap_.stats();
    check_identities(stats);
    BOOST_TEST(stats.live_objects == 0u);
    BOOST_TEST(stats.mallocs >= uint64_t{threads} * static_cast<uint64_t>(parcels));
    BOOST_TEST(recount(heap_.heap).objects == 0u);
  }

 private:
  void work(uint64_t seed, int manner, int parcels) {
    std::mt19937_64 random(seed);
    acre_thread* thread = attach_or_abort(heap_.heap, manner);
    for (int i = 0; i < parcels; ++i) {
      Parcel* mine = make_parcel(thread, kind_, random());
      Parcel* other = table_[random() % table_.size()].exchange(mine, std::memory_order_acq_rel);
      free_parcel(thread, kind_, other, random() % 2 == 0);
      if (random() % 20'000 == 0) {
        require(acre_thread_detach(thread) == ACRE_OK, "it can be detached");
        thread = attach_or_abort(heap_.heap, manner);
      }
    }
    require(acre_thread_detach(thread) == ACRE_OK, "it can be detached");
  }
  // Stops the world and reads totals, which never fall, until all are done.
  void look_on(const std::atomic<unsigned>& running) {
    uint64_t mallocs = 0;
    uint64_t frees = 0;
    for (unsigned i = 0; running != 0; ++i) {
      if (i % 4 == 0) acre_collect(heap_.thread);
      if (i % 32 == 1) BOOST_TEST(heap_is_whole(heap_.heap));
      const acre_stats stats = heap_.stats();
      BOOST_TEST_REQUIRE(stats.mallocs >= mallocs);
      BOOST_TEST_REQUIRE(stats.frees >= frees);
      BOOST_TEST_REQUIRE(stats.mallocs >= stats.frees);
      mallocs = stats.mallocs;
      frees = stats.frees;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      acre_safepoint(heap_.thread);
    }
  }
  void wait_for(std::vector<std::thread>& all) {
    acre_blocking_begin(heap_.thread);
    for (std::thread& thread : all) thread.join();
    acre_blocking_end(heap_.thread);
  }

  Heap heap_;
  acre_kind kind_;
  std::array<std::atomic<Parcel*>, 500> table_{};
};

acre_options growing_options() {
  acre_options options = plain_options();
  options.gc_percent = 100;
  return options;
}

BOOST_AUTO_TEST_SUITE(explicit_threads)

BOOST_AUTO_TEST_CASE(parcels_go_from_thread_to_thread) {
  Exchange exchange(growing_options());
  exchange.run(4, ACRE_THREAD_COOPERATIVE, 60'000);
}

BOOST_AUTO_TEST_CASE(also_when_freed_memory_is_spoilt_at_once) {
  acre_options options = growing_options();
  options.clobber_free = 1;
  options.gc_every = 500;
  options.reserve_bytes = 64 * kMiB;
  Exchange exchange(options);
  exchange.run(3, ACRE_THREAD_COOPERATIVE, 3000);
}

BOOST_AUTO_TEST_CASE(also_when_one_is_stopped_by_signals,
                     *boost::unit_test::precondition(&can_interrupt_loops)) {
  Exchange exchange(growing_options());
  exchange.run(3, ACRE_THREAD_UNCOOPERATIVE, 30'000);
}

// It hangs if such a thread comes to no safepoint.
BOOST_AUTO_TEST_CASE(who_only_takes_what_it_freed_can_be_stopped) {
  Heap h(growing_options());
  const acre_kind kind = explicit_kind(h.heap);
  std::atomic<bool> begun{false};
  std::atomic<bool> done{false};
  std::thread other([&] {
    acre_thread* thread = attach_or_abort(h.heap, ACRE_THREAD_COOPERATIVE);
    while (!done) {
      acre_free_sized(thread, acre_alloc_uninit(thread, 64, kind), 64, kind);
      begun = true;
    }
    require(acre_thread_detach(thread) == ACRE_OK, "it can be detached");
  });
  while (!begun) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) h.collect();
  done = true;
  acre_blocking_begin(h.thread);
  other.join();
  acre_blocking_end(h.thread);
  BOOST_TEST(h.live() == 0u);
}

// What the one frees goes into its own lists, and comes to the other one by collections.
BOOST_AUTO_TEST_CASE(what_one_only_frees_the_other_one_gets) {
  Heap h(growing_options());
  const acre_kind kind = explicit_kind(h.heap);
  std::array<std::atomic<Parcel*>, 1000> places{};
  std::atomic<bool> done{false};
  std::thread other([&] {
    acre_thread* thread = attach_or_abort(h.heap, ACRE_THREAD_COOPERATIVE);
    for (size_t i = 0; !done || i % places.size() != 0; ++i) {
      free_parcel(thread, kind, places[i % places.size()].exchange(nullptr), true);
      acre_safepoint(thread);
    }
    require(acre_thread_detach(thread) == ACRE_OK, "it can be detached");
  });
  for (size_t i = 0; i < 300'000; ++i) {
    Parcel* parcel = make_parcel(h.thread, kind, 64 * i + 1 + i % 63);
    Parcel* nobody = nullptr;
    while (!places[i % places.size()].compare_exchange_weak(nobody, parcel)) {
      nobody = nullptr;
      acre_safepoint(h.thread);
      std::this_thread::yield();
    }
  }
  done = true;
  acre_blocking_begin(h.thread);
  other.join();
  acre_blocking_end(h.thread);
  const acre_stats stats = h.stats();
  BOOST_TEST(stats.num_gc > 2u);
  BOOST_TEST(stats.heap_sys - stats.heap_released < 32 * kMiB);
  for (auto& place : places) free_parcel(h.thread, kind, place.exchange(nullptr), true);
  BOOST_TEST(h.live() == 0u);
}

// The lists of threads that are not in the child are emptied there.
BOOST_AUTO_TEST_CASE(a_child_of_fork_has_whole_books) {
  acre_options options = growing_options();
  options.scavenger = 0;  // ThreadSanitizer bears no new thread in the child
  Heap h(options);
  const acre_kind kind = explicit_kind(h.heap);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    acre_thread* thread = attach_or_abort(h.heap, ACRE_THREAD_COOPERATIVE);
    std::mt19937_64 random(1);
    Parcel* kept[64] = {};
    while (!stop) {
      Parcel*& place = kept[random() % 64];
      free_parcel(thread, kind, place, true);
      place = make_parcel(thread, kind, random());
      acre_safepoint(thread);
    }
    for (Parcel* parcel : kept) free_parcel(thread, kind, parcel, true);
    require(acre_thread_detach(thread) == ACRE_OK, "it can be detached");
  });
  Parcel* mine = make_parcel(h.thread, kind, 5);
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const pid_t child = fork();
    if (child == 0) {
      free_parcel(h.thread, kind, mine, true);
      for (int k = 0; k < 1000; ++k) {
        free_parcel(h.thread, kind, make_parcel(h.thread, kind, static_cast<uint64_t>(k)), true);
      }
      acre_collect(h.thread);
      const acre_stats stats = read_stats(h.heap);
      // What the other thread had lives on; nobody is left to free it.
      const bool good = heap_is_whole(h.heap) && stats.live_objects <= 65 && stats.threads == 1;
      _exit(good ? 0 : 1);
    }
    int status = 0;
    acre_blocking_begin(h.thread);
    BOOST_TEST(waitpid(child, &status, 0) == child);
    acre_blocking_end(h.thread);
    BOOST_TEST(status == 0);
  }
  stop = true;
  acre_blocking_begin(h.thread);
  other.join();
  acre_blocking_end(h.thread);
  free_parcel(h.thread, kind, mine, true);
  BOOST_TEST(h.live() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
