// The index in the heap against a plain std::unordered_map over the same text.
#include "bench/growth/index/inverted_index.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "test/bench/source_tree.h"

namespace acre::bench {
namespace {

const std::atomic<bool> kNeverCancelled{false};

struct Heap {
  explicit Heap(const acre_options& options) {
    BOOST_REQUIRE_EQUAL(acre_heap_create(&options, &heap), ACRE_OK);
  }
  ~Heap() { acre_heap_destroy(heap); }
  acre_heap* heap = nullptr;
};

acre_options plain() {
  acre_options options;
  acre_options_init(&options);
  options.conservative_stacks = 1;
  return options;
}

acre_options torture() {
  acre_options options = plain();
  options.gc_every = 1000;
  options.clobber_free = 1;
  options.verify = 1;
  return options;
}

// A directory of made-up files, with their identifiers counted the plain way.
struct Fixture {
  Fixture() {
    for (unsigned i = 0; i < 60; ++i) {
      const std::string text = source_text(i, 50 + 20 * i);
      directory.write("d" + std::to_string(i % 7) + "/f" + std::to_string(i) + ".h", text);
      count_identifiers(text, expected);
    }
    directory.write("empty.h", "");
    directory.write("binary.o", std::string("int main") + '\0' + "int");
    files = scan_directory(directory.path().string()).files;
  }

  TempDirectory directory;
  Counts expected;
  std::vector<SourceFile> files;
};

void build_all(acre_heap* heap, InvertedIndex& index, unsigned parts, FileTally& tally) {
  std::vector<std::thread> threads;
  std::vector<FileTally> tallies(parts);
  for (unsigned part = 0; part < parts; ++part) {
    threads.emplace_back([&, part] {
      Mutator mutator(heap, kNeverCancelled);
      for (std::size_t i = 0; i < index.segments(part); ++i) {
        index.build(mutator, part, i, tallies[part]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const FileTally& one : tallies) tally += one;
}

Counts counts_of(Mutator& mutator, const InvertedIndex& index) {
  Counts counts;
  index.for_each(mutator, [&](std::string_view name, std::uint64_t count) {
    BOOST_TEST(counts.emplace(name, count).second);  // each once
  });
  return counts;
}

std::uint64_t check_all(Mutator& mutator, const InvertedIndex& index, unsigned parts) {
  std::uint64_t postings = 0;
  for (unsigned part = 0; part < parts; ++part) postings += index.check(mutator, part);
  return postings;
}

void compare(const acre_options& options, unsigned parts) {
  const Fixture fixture;
  const Heap heap(options);
  InvertedIndex index(fixture.files, parts);
  Mutator mutator(heap.heap, kNeverCancelled);
  index.start(mutator);
  FileTally tally;
  acre_blocking_begin(mutator.thread());  // while it waits for the others
  build_all(heap.heap, index, parts, tally);
  acre_blocking_end(mutator.thread());
  BOOST_TEST(tally.indexed == 61u);
  BOOST_TEST(tally.binary == 1u);
  BOOST_TEST(tally.unreadable == 0u);
  BOOST_TEST(check_all(mutator, index, parts) == tally.tokens);
  BOOST_TEST((counts_of(mutator, index) == fixture.expected));
  BOOST_TEST((index.top(mutator, 10) == most_frequent(fixture.expected, 10)));
  acre_collect(mutator.thread());
  BOOST_TEST((counts_of(mutator, index) == fixture.expected));
  BOOST_TEST(acre_verify(heap.heap, nullptr, nullptr) == ACRE_OK);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(index)

BOOST_AUTO_TEST_CASE(counts_what_a_plain_map_counts) { compare(plain(), 1); }

BOOST_AUTO_TEST_CASE(counts_the_same_when_three_threads_share_the_files) { compare(plain(), 3); }

BOOST_AUTO_TEST_CASE(counts_the_same_under_torture) { compare(torture(), 1); }

BOOST_AUTO_TEST_CASE(counts_the_same_under_torture_by_three_threads) { compare(torture(), 3); }

BOOST_AUTO_TEST_CASE(a_segment_that_is_rebuilt_is_as_it_was) {
  const Fixture fixture;
  const Heap heap(torture());
  InvertedIndex index(fixture.files, 1);
  Mutator mutator(heap.heap, kNeverCancelled);
  index.start(mutator);
  FileTally tally;
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t i = 0; i < index.segments(0); ++i) {
      index.drop(mutator, 0, i);
      index.build(mutator, 0, i, tally);
    }
    BOOST_TEST((counts_of(mutator, index) == fixture.expected));
  }
}

BOOST_AUTO_TEST_CASE(what_stays_after_half_is_dropped_is_sound) {
  const Fixture fixture;
  const Heap heap(torture());
  InvertedIndex index(fixture.files, 1);
  Mutator mutator(heap.heap, kNeverCancelled);
  index.start(mutator);
  FileTally tally;
  BOOST_REQUIRE(index.segments(0) >= 4);
  for (std::size_t i = 0; i < index.segments(0); ++i) index.build(mutator, 0, i, tally);
  for (std::size_t i = 1; i < index.segments(0); i += 2) {
    BOOST_TEST(index.drop(mutator, 0, i) > 0u);
    BOOST_TEST(!index.holds(0, i));
  }
  BOOST_TEST(index.drop(mutator, 0, 1) == 0u);  // it is gone already
  acre_collect(mutator.thread());
  const std::uint64_t left = check_all(mutator, index, 1);
  BOOST_TEST(left > 0u);
  BOOST_TEST(left < tally.tokens);
}

BOOST_AUTO_TEST_CASE(an_empty_directory_has_no_answer) {
  const TempDirectory directory;
  const SourceTree tree = scan_directory(directory.path().string());
  const Heap heap(plain());
  InvertedIndex index(tree.files, 2);
  Mutator mutator(heap.heap, kNeverCancelled);
  index.start(mutator);
  BOOST_TEST(index.segments(0) == 0u);
  BOOST_TEST(index.top(mutator, 10).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
