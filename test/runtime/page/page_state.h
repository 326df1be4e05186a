// A PageAlloc in a state given literally, on tables of its own, and the comparisons the tests share.

#ifndef ACRE_TEST_RUNTIME_PAGE_PAGE_STATE_H_
#define ACRE_TEST_RUNTIME_PAGE_PAGE_STATE_H_

#include <sys/mman.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "runtime/page/page_alloc.h"

namespace acre::rt {

inline std::ostream& operator<<(std::ostream& out, PageId page) {
  return out << "page " << page.raw;
}
template <class Tag>
std::ostream& operator<<(std::ostream& out, Quantity<Tag> n) {
  return out << n.raw;
}
inline std::ostream& operator<<(std::ostream& out, const PageSummary& s) {
  return out << "{" << s.start() << " " << s.max() << " " << s.end() << "}";
}

namespace test {

// Pages [first, first + n) of a chunk.
struct Range {
  uint64_t first;
  uint64_t n;
};
inline constexpr Range kWhole{0, kChunkPages};
inline constexpr Range kNothing{0, 0};

// A grown chunk: which pages are allocated, and which of the others are scavenged.
struct ChunkIs {
  uint64_t chunk;
  std::vector<Range> allocated;
  std::vector<Range> scavenged = {};
};

inline void report_to_string(const char* message, void* arg) {
  auto* text = static_cast<std::string*>(arg);
  if (text->size() < 500) *text += std::string(message) + "; ";
}

// Zero memory that the kernel backs where it is touched.
class LazyZeros {
 public:
  explicit LazyZeros(uint64_t bytes)
      : bytes_(bytes),
        memory_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    BOOST_REQUIRE(memory_ != MAP_FAILED);
  }
  LazyZeros(const LazyZeros&) = delete;
  LazyZeros& operator=(const LazyZeros&) = delete;
  ~LazyZeros() { munmap(memory_, bytes_); }

  void* get() const { return memory_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t resident_bytes() const {
    std::vector<unsigned char> in_core((bytes_ + 4095) / 4096);
    BOOST_REQUIRE(mincore(memory_, bytes_, in_core.data()) == 0);
    uint64_t total = 0;
    for (const unsigned char page : in_core) total += (page & 1) * 4096ULL;
    return total;
  }

 private:
  uint64_t bytes_;
  void* memory_;
};

inline constexpr PageCount kSmall{kMinCapacityPages};
inline constexpr PageCount kLarge{kMaxCapacityPages};

class PageState {
 public:
  explicit PageState(PageCount capacity = kSmall) : tables_(PageAlloc::table_bytes(capacity).raw) {
    pages_.init(tables_.get(), capacity);
  }

  explicit PageState(const std::vector<ChunkIs>& chunks, PageCount capacity = kSmall)
      : PageState(capacity) {
    for (const ChunkIs& is : chunks) {
      pages_.grow(PageId(is.chunk * kChunkPages), PageCount(kChunkPages));
    }
    while (pages_.alloc(PageCount(1)).ok()) {
    }
    for (const ChunkIs& is : chunks) {
      for (uint64_t i = 0; i < kChunkPages; i++) {
        if (in(is.allocated, i)) continue;
        pages_.give_back(PageId(is.chunk * kChunkPages + i), PageCount(1), in(is.scavenged, i));
      }
    }
    sane();
  }

  PageAlloc* operator->() { return &pages_; }
  PageAlloc& operator*() { return pages_; }
  const LazyZeros& tables() const { return tables_; }

  // The invariants hold.
  void sane() const {
    std::string text;
    BOOST_REQUIRE_MESSAGE(pages_.check(report_to_string, &text), text);
  }

  // Exactly these chunks are grown, and in this state.
  void is(const std::vector<ChunkIs>& chunks) const {
    sane();
    uint64_t free = 0;
    uint64_t scavenged = 0;
    for (const ChunkIs& expected : chunks) {
      for (uint64_t i = 0; i < kChunkPages; i++) {
        const PageId page(expected.chunk * kChunkPages + i);
        BOOST_TEST_REQUIRE(pages_.is_allocated(page) == in(expected.allocated, i), page);
        BOOST_TEST_REQUIRE(pages_.is_scavenged(page) == in(expected.scavenged, i), page);
        free += pages_.is_allocated(page) ? 0 : 1;
        scavenged += pages_.is_scavenged(page) ? 1 : 0;
      }
    }
    BOOST_TEST(pages_.grown_pages().raw == chunks.size() * kChunkPages);
    BOOST_TEST(pages_.free_pages().raw == free);
    BOOST_TEST(pages_.scavenged_pages().raw == scavenged);
  }

 private:
  static bool in(const std::vector<Range>& ranges, uint64_t i) {
    for (const Range& range : ranges) {
      if (i >= range.first && i < range.first + range.n) return true;
    }
    return false;
  }

  LazyZeros tables_;
  PageAlloc pages_;
};

inline PageId at(uint64_t chunk, uint64_t page = 0) { return PageId(chunk * kChunkPages + page); }

// What is expected of a PageRun.
inline void same(const PageRun& run, PageId page, uint64_t pages, uint64_t scavenged) {
  BOOST_TEST_REQUIRE(run.ok());
  BOOST_TEST(run.page == page);
  BOOST_TEST(run.pages.raw == pages);
  BOOST_TEST(run.scavenged.raw == scavenged);
}

// A seed that a failing run shows, and that ACRE_TEST_SEED repeats.
inline uint64_t seed() {
  const char* given = std::getenv("ACRE_TEST_SEED");
  const uint64_t value =
      given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  BOOST_TEST_MESSAGE("ACRE_TEST_SEED=" << value);
  return value;
}

}  // namespace test
}  // namespace acre::rt

#endif  // ACRE_TEST_RUNTIME_PAGE_PAGE_STATE_H_
