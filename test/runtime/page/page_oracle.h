// The page allocator as a child would write it, one state a page, and random use of the two side by
// side.

#ifndef ACRE_TEST_RUNTIME_PAGE_PAGE_ORACLE_H_
#define ACRE_TEST_RUNTIME_PAGE_PAGE_ORACLE_H_

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "runtime/page/page_alloc.h"
#include "test/runtime/page/page_state.h"

namespace acre::rt::test {

class PageOracle {
 public:
  enum class Is : uint8_t { kNever, kAllocated, kFree, kScavenged };

  explicit PageOracle(PageCount capacity) : pages_(capacity.raw, Is::kNever) {}

  Is page(uint64_t i) const { return pages_[i]; }
  uint64_t size() const { return pages_.size(); }
  uint64_t count(Is is) const {
    return static_cast<uint64_t>(std::count(pages_.begin(), pages_.end(), is));
  }
  void fill(uint64_t first, uint64_t n, Is is) {
    std::fill_n(pages_.begin() + static_cast<ptrdiff_t>(first), n, is);
  }
  bool any(uint64_t first, uint64_t n, Is is) const {
    const auto from = pages_.begin() + static_cast<ptrdiff_t>(first);
    return std::find(from, from + static_cast<ptrdiff_t>(n), is) !=
           from + static_cast<ptrdiff_t>(n);
  }

  PageRun alloc(uint64_t n, uint64_t align) {
    uint64_t run = 0;
    for (uint64_t i = 0; i < pages_.size(); i++) {
      if (!usable(i)) {
        run = 0;
        continue;
      }
      // A run begins at an aligned page only.
      if (run == 0 && i % align != 0) continue;
      run++;
      if (run == n) return take(i + 1 - n, n);
    }
    return {};
  }

  PageRun release(uint64_t below, uint64_t max) {
    uint64_t end = std::min<uint64_t>(below, pages_.size());
    while (end > 0 && pages_[end - 1] != Is::kFree) end--;
    if (end == 0) return {};
    uint64_t first = end - 1;
    while (first % kChunkPages != 0 && pages_[first - 1] == Is::kFree && end - first < max) first--;
    return take(first, end - first);
  }

  PageCache cache() {
    uint64_t first = 0;
    while (first < pages_.size() && !usable(first)) first++;
    if (first == pages_.size()) return {};
    const uint64_t base = align_down(first, 64);
    uint64_t free = 0;
    uint64_t scavenged = 0;
    for (uint64_t i = 0; i < 64; i++) {
      if (!usable(base + i)) continue;
      free |= uint64_t{1} << i;
      if (pages_[base + i] == Is::kScavenged) scavenged |= uint64_t{1} << i;
      pages_[base + i] = Is::kAllocated;
    }
    return PageCache(PageId(base), free, scavenged);
  }

  void put_cache(const PageCache& cache) {
    for (uint64_t i = 0; i < 64; i++) {
      if ((cache.free_mask() >> i & 1) == 0) continue;
      pages_[cache.base().raw + i] =
          (cache.scavenged_mask() >> i & 1) != 0 ? Is::kScavenged : Is::kFree;
    }
  }

 private:
  bool usable(uint64_t i) const { return pages_[i] == Is::kFree || pages_[i] == Is::kScavenged; }

  PageRun take(uint64_t first, uint64_t n) {
    const auto from = pages_.begin() + static_cast<ptrdiff_t>(first);
    const auto scavenged = std::count(from, from + static_cast<ptrdiff_t>(n), Is::kScavenged);
    fill(first, n, Is::kAllocated);
    return PageRun{PageId(first), PageCount(n), PageCount(static_cast<uint64_t>(scavenged))};
  }

  std::vector<Is> pages_;
};

// Random operations on a PageAlloc and the oracle, each compared at once.
class RandomUse {
 public:
  RandomUse(PageAlloc& pages, PageOracle& oracle, std::mt19937_64& random, uint64_t max_run,
            uint64_t chunks)
      : pages_(pages), oracle_(oracle), random_(random), max_run_(max_run), chunks_(chunks) {}

  void step() {
    // The weights sway, so that the heap is now nearly full, now nearly empty.
    if (below(200) == 0) bias_ = 20 + below(40);
    const uint64_t dice = below(100);
    if (dice < 3) {
      grow();
    } else if (dice < 10) {
      use_cache();
    } else if (dice < 20) {
      release();
    } else if (dice < 20 + bias_) {
      alloc();
    } else {
      free_some();
    }
  }

  void release_caches() {
    for (PageCache& cache : caches_) put(cache);
    caches_.clear();
    for (const PageRun& run : out_) give_back(run);
    out_.clear();
  }

  void compare_all() const {
    for (uint64_t i = 0; i < oracle_.size(); i++) {
      const PageOracle::Is is = oracle_.page(i);
      if (pages_.is_allocated(PageId(i)) != (is == PageOracle::Is::kAllocated) ||
          pages_.is_scavenged(PageId(i)) != (is == PageOracle::Is::kScavenged)) {
        BOOST_REQUIRE_MESSAGE(false, "page " << i << " is not as the oracle says");
      }
    }
    const uint64_t scavenged = oracle_.count(PageOracle::Is::kScavenged);
    const uint64_t free = oracle_.count(PageOracle::Is::kFree) + scavenged;
    const uint64_t never = oracle_.count(PageOracle::Is::kNever);
    BOOST_TEST_REQUIRE(pages_.scavenged_pages().raw == scavenged);
    BOOST_TEST_REQUIRE(pages_.free_pages().raw == free);
    BOOST_TEST_REQUIRE(pages_.grown_pages().raw == oracle_.size() - never);
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }
  // Mostly short, sometimes the longest.
  uint64_t length() { return 1 + below(1 + below(1 + below(max_run_))); }

  void equal(const PageRun& run, const PageRun& expected) {
    BOOST_TEST_REQUIRE(run.ok() == expected.ok());
    BOOST_TEST_REQUIRE(run.page == expected.page);
    BOOST_TEST_REQUIRE(run.pages == expected.pages);
    BOOST_TEST_REQUIRE(run.scavenged == expected.scavenged);
  }

  void grow() {
    const uint64_t all = oracle_.size() / kChunkPages;
    const uint64_t n = 1 + below(std::min(chunks_, all));
    const uint64_t chunk = below(all - n + 1);
    for (uint64_t i = 0; i < n; i++) {
      if (oracle_.page((chunk + i) * kChunkPages) != PageOracle::Is::kNever) return;
    }
    pages_.grow(at(chunk), PageCount(n * kChunkPages));
    oracle_.fill(chunk * kChunkPages, n * kChunkPages, PageOracle::Is::kScavenged);
  }

  void alloc() {
    const uint64_t n = length();
    const bool aligned = below(5) == 0;
    const uint64_t align = aligned ? uint64_t{1} << below(11) : 1;
    const PageRun run =
        aligned ? pages_.alloc_aligned(PageCount(n), PageCount(align)) : pages_.alloc(PageCount(n));
    equal(run, oracle_.alloc(n, align));
    if (run.ok()) held_.push_back(run);
  }

  // The whole of an allocation, or a part of it.
  void free_some() {
    if (held_.empty()) return;
    PageRun& run = held_[below(held_.size())];
    std::swap(run, held_.back());
    PageRun last = held_.back();
    held_.pop_back();
    if (below(4) == 0) {
      const uint64_t keep = below(last.pages.raw);
      if (keep != 0) {
        held_.push_back(PageRun{last.page, PageCount(keep), {}});
        last.page = last.page + PageCount(keep);
        last.pages -= PageCount(keep);
      }
    }
    pages_.free(last.page, last.pages);
    oracle_.fill(last.page.raw, last.pages.raw, PageOracle::Is::kFree);
  }

  void use_cache() {
    const uint64_t dice = below(4);
    if (dice == 0 || caches_.empty()) {
      const PageCache cache = pages_.alloc_to_cache();
      const PageCache expected = oracle_.cache();
      BOOST_TEST_REQUIRE(cache.base() == expected.base());
      BOOST_TEST_REQUIRE(cache.free_mask() == expected.free_mask());
      BOOST_TEST_REQUIRE(cache.scavenged_mask() == expected.scavenged_mask());
      caches_.push_back(cache);
      return;
    }
    PageCache& cache = caches_[below(caches_.size())];
    if (dice == 1) {
      put(cache);
      std::swap(cache, caches_.back());
      caches_.pop_back();
      return;
    }
    const PageRun run = cache.alloc(PageCount(1 + below(16)));
    if (run.ok()) held_.push_back(run);
  }

  void put(PageCache& cache) {
    oracle_.put_cache(cache);
    cache.flush(pages_);
  }

  void release() {
    if (below(2) == 0 && !out_.empty()) {
      give_back(out_.back());
      out_.pop_back();
      return;
    }
    const uint64_t limit = below(3) == 0 ? below(oracle_.size() + 1) : oracle_.size();
    const uint64_t max = 1 + below(700);
    const PageRun run = pages_.take_for_release(PageId(limit), PageCount(max));
    equal(run, oracle_.release(limit, max));
    if (run.ok()) out_.push_back(run);
  }

  void give_back(const PageRun& run) {
    const bool released = below(3) != 0;
    pages_.give_back(run.page, run.pages, released);
    oracle_.fill(run.page.raw, run.pages.raw,
                 released ? PageOracle::Is::kScavenged : PageOracle::Is::kFree);
  }

  PageAlloc& pages_;
  PageOracle& oracle_;
  std::mt19937_64& random_;
  uint64_t max_run_;
  uint64_t chunks_;
  uint64_t bias_ = 45;
  std::vector<PageRun> held_;
  std::vector<PageRun> out_;
  std::vector<PageCache> caches_;
};

}  // namespace acre::rt::test

#endif  // ACRE_TEST_RUNTIME_PAGE_PAGE_ORACLE_H_
