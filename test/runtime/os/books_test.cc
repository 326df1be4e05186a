#include "runtime/os/books.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <random>
#include <vector>

#include "test/runtime/base/random_seed.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)
using Huge = OsBooks::Huge;

namespace {

constexpr uintptr_t kUnit = 4096;
constexpr uint64_t kUnits = 200;

Addr at(uint64_t unit) { return Addr(kUnit * (unit + 1)); }

// The books, and beside them one state for every unit of a small address space.
class Model {
 public:
  Model() : books(std::make_unique<OsBooks>()), units_(kUnits) {}

  std::unique_ptr<OsBooks> books;

  bool all(uint64_t from, uint64_t end, bool ours) const {
    for (uint64_t i = from; i < end; ++i) {
      if (units_[i].ours != ours) return false;
    }
    return true;
  }

  void change_at_random(std::mt19937_64& random) {
    uint64_t from = random() % kUnits;
    uint64_t end = from + 1 + random() % 20;
    if (end > kUnits) end = kUnits;
    const bool ours = all(from, end, true);
    BOOST_REQUIRE(books->covers(at(from), at(end)) == ours);
    switch (random() % 5) {
      case 0:
        books->remove(at(from), at(end));
        for (uint64_t i = from; i < end; ++i) units_[i] = Unit{};
        break;
      case 1:
        if (!ours) break;
        books->set_ready(at(from), at(end));
        for (uint64_t i = from; i < end; ++i) units_[i].ready = true;
        break;
      case 2: {
        if (!ours) break;
        const Huge huge = random() % 2 == 0 ? Huge::kEnabled : Huge::kDisabled;
        books->set_huge(at(from), at(end), huge);
        for (uint64_t i = from; i < end; ++i) units_[i].huge = huge;
        break;
      }
      default:
        if (!all(from, end, false)) break;
        books->add(at(from), at(end));
        for (uint64_t i = from; i < end; ++i) units_[i].ours = true;
    }
  }

  void require_agreement() const {
    uint64_t ours = 0;
    uint64_t ready = 0;
    uint64_t pieces = 0;
    for (uint64_t i = 0; i < kUnits; ++i) {
      ours += units_[i].ours ? 1 : 0;
      ready += units_[i].ready ? 1 : 0;
      const bool starts = i == 0 || !(units_[i] == units_[i - 1]);
      pieces += units_[i].ours && starts ? 1 : 0;
    }
    BOOST_REQUIRE(books->reserved() == ByteCount(ours * kUnit));
    BOOST_REQUIRE(books->committed() == ByteCount(ready * kUnit));
    BOOST_REQUIRE(books->pieces() == pieces);
    books->check();
  }

 private:
  struct Unit {
    bool ours = false;
    bool ready = false;
    Huge huge = Huge::kUnadvised;
    bool operator==(const Unit&) const = default;
  };
  std::vector<Unit> units_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(os_books)

BOOST_AUTO_TEST_CASE(books_agree_with_a_naive_model) {
  std::mt19937_64 random(acre::test::random_seed());
  Model model;
  for (int step = 0; step < 20'000; ++step) {
    model.change_at_random(random);
    model.require_agreement();
  }
}

BOOST_AUTO_TEST_CASE(commits_that_grow_from_both_ends_meet_in_one_piece) {
  OsBooks books;
  books.add(at(0), at(10));
  BOOST_TEST(books.pieces() == 1u);
  for (uint64_t i = 0; i < 4; ++i) {
    books.set_ready(at(i), at(i + 1));
    books.set_ready(at(9 - i), at(10 - i));
    BOOST_TEST(books.pieces() == 3u);
  }
  books.set_ready(at(4), at(6));
  BOOST_TEST(books.pieces() == 1u);
  BOOST_TEST(books.committed().raw == books.reserved().raw);
}

BOOST_AUTO_TEST_CASE(committing_twice_counts_once) {
  OsBooks books;
  books.add(at(0), at(10));
  books.set_ready(at(2), at(6));
  books.set_ready(at(4), at(8));
  BOOST_TEST(books.committed().raw == 6 * kUnit);
}

BOOST_AUTO_TEST_CASE(a_range_with_a_hole_is_not_covered) {
  OsBooks books;
  books.add(at(0), at(4));
  books.add(at(5), at(8));
  BOOST_TEST(books.covers(at(0), at(4)));
  BOOST_TEST(books.covers(at(5), at(8)));
  BOOST_TEST(!books.covers(at(3), at(6)));
  BOOST_TEST(!books.covers(at(7), at(9)));
  books.add(at(4), at(5));
  BOOST_TEST(books.covers(at(0), at(8)));
}

BOOST_AUTO_TEST_CASE(full_books_say_so_before_a_cut_and_still_let_go_of_whole_pieces) {
  auto books = std::make_unique<OsBooks>();
  uint64_t unit = 0;
  for (; books->has_room_to_add(); unit += 4) books->add(at(unit), at(unit + 3));
  BOOST_TEST(books->pieces() == OsBooks::kMaxPieces);
  BOOST_TEST(!books->has_room_to_change(at(0), at(1)));
  BOOST_TEST(!books->has_room_to_change(at(1), at(2)));
  BOOST_TEST(books->has_room_to_change(at(0), at(3)));
  BOOST_TEST(books->has_room_to_change(at(0), at(unit)));
  books->set_ready(at(0), at(3));
  books->check();
  books->remove(at(4), at(7));
  BOOST_TEST(books->has_room_to_change(at(0), at(1)));
  BOOST_TEST(!books->has_room_to_change(at(0), at(1), 1));
  books->remove(at(0), at(unit));
  BOOST_TEST(books->pieces() == 0u);
  BOOST_TEST(books->reserved().raw == 0u);
  BOOST_TEST(books->committed().raw == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
