#include "runtime/inspect/verify.h"

#include <bit>

#include "runtime/base/bits.h"
#include "runtime/base/print.h"
#include "runtime/inspect/stats.h"
#include "runtime/inspect/walk.h"

namespace acre::rt {
namespace {

class Verifier {
 public:
  Verifier(Heap& heap, acre_report_fn report, void* arg)
      : heap_(heap), report_(report), arg_(arg) {}

  bool run(ThreadRegistry& threads) {
    check_pages();
    check_counters(threads);
    check_sets();
    if (!heap_.pages.check(report_, arg_)) ok_ = false;
    return ok_;
  }

 private:
  void fail(const Line& line) {
    ok_ = false;
    if (report_ != nullptr) report_(line.c_str(), arg_);
  }

  void check_pages() {
    const Space& space = heap_.space;
    const uint64_t pages = space.mapped().raw >> kPageShift;
    for (uint64_t page = 0; page < pages;) {
      const PageEntry entry = space.page_entry(PageId(page));
      if (entry.in_span() && entry.start().raw == page) {
        page += check_span(*span_at(space, PageId(page)), entry);
        continue;
      }
      if (entry.raw != 0) {
        fail(Line() << "page " << page << " belongs to a span that starts at page "
                    << entry.start().raw << " and does not reach it");
      } else if (!heap_.pages.is_free(PageId(page))) {
        fail(Line() << "page " << page << " is in no span but not free");
      }
      ++page;
    }
  }

  // Returns how many pages to go on by.
  uint64_t check_span(Span& span, PageEntry entry) {
    const uint64_t first = entry.start().raw;
    if (!span.in_use || span.start_page != first || span.kind != entry.kind() ||
        span.size_class != entry.size_class() || span.page_count == 0 ||
        span.is_large() == (entry.state() == PageState::kSmall)) {
      fail(Line() << "the record of the span at page " << first << " does not fit its entry");
      return 1;
    }
    for (uint64_t i = 0; i < span.page_count; ++i) {
      if (heap_.space.page_entry(PageId(first + i)).raw != entry.raw) {
        fail(Line() << "page " << first + i << " lacks the entry of its span at page " << first);
      }
      if (heap_.pages.is_free(PageId(first + i))) {
        fail(Line() << "page " << first + i << " is in a span and free");
      }
    }
    span_pages_ += span.page_count;
    if (!span.is_large()) ++small_spans_;
    check_bits(span);
    return span.page_count;
  }

  void check_bits(const Span& span) {
    const Space& space = heap_.space;
    const uint64_t first = span.first_page().raw * kGranulesPerPage;
    const uint64_t end = first + span.pages().raw * kGranulesPerPage;
    const uint64_t stride = span.object_bytes().raw >> kGranuleShift;
    const bool swept = heap_.swept(span);
    for (uint64_t bit = bits::find_next_set(space.alloc_words(), first, end); bit < end;
         bit = bits::find_next_set(space.alloc_words(), bit + 1, end)) {
      const bool at_start = (bit - first) % stride == 0 && (bit - first) / stride < span.elements();
      if (!at_start) fail(Line() << "an alloc bit inside an object, granule " << bit);
      ++objects_[span.size_class];
    }
    for (uint64_t bit = bits::find_next_set(space.mark_words(), first, end); bit < end;
         bit = bits::find_next_set(space.mark_words(), bit + 1, end)) {
      if (swept) fail(Line() << "a mark bit in a swept span, granule " << bit);
      if (!bits::test(space.alloc_words(), bit)) {
        fail(Line() << "a mark bit without an object, granule " << bit);
      }
    }
  }

  void check_counters(ThreadRegistry& threads) {
    const AllocationCounts counts = count_allocations(heap_, threads);
    for (unsigned size_class = 0; size_class < kSizeClasses; ++size_class) {
      const uint64_t in_use = counts.mallocs[size_class] - counts.frees[size_class];
      if (in_use != objects_[size_class]) {
        fail(Line() << "size class " << size_class << ": " << in_use << " objects by the counters, "
                    << objects_[size_class] << " by the alloc bits");
      }
    }
    if (span_pages_ != heap_.pages.pages_in_use().raw) {
      fail(Line() << heap_.pages.pages_in_use().raw << " pages in use by the counter, "
                  << span_pages_ << " in spans");
    }
  }

  void check_sets() {
    uint64_t in_sets = 0;
    for (unsigned kind = 0; kind < heap_.kinds.count(); ++kind) {
      for (unsigned size_class = 1; size_class < kSizeClasses; ++size_class) {
        in_sets += heap_.kinds.central(kind, static_cast<uint8_t>(size_class)).count_spans();
      }
    }
    if (in_sets != small_spans_) {
      fail(Line() << in_sets << " spans in central lists, " << small_spans_
                  << " in the page table");
    }
  }

  Heap& heap_;
  acre_report_fn report_;
  void* arg_;
  bool ok_ = true;
  uint64_t span_pages_ = 0;
  uint64_t small_spans_ = 0;
  uint64_t objects_[kSizeClasses] = {};
};

}  // namespace

bool verify_books(Heap& heap, ThreadRegistry& threads, acre_report_fn report, void* arg) {
  return Verifier(heap, report, arg).run(threads);
}

}  // namespace acre::rt
