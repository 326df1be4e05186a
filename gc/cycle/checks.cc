// The part of Cycle that looks at a stopped heap and changes nothing in it: acre_verify, the audit of roots, the
// search for stores that went around the barrier; each as a call of the embedder's and as an option of every
// collection.

#include "gc/cycle/cycle.h"
#include "runtime/base/check.h"
#include "runtime/base/print.h"
#include "runtime/inspect/verify.h"
#include "runtime/inspect/walk.h"

namespace acre::gc {

using rt::Line;
using rt::Thread;

namespace {

void print_violation(const char* line, void*) {
  rt::write_stderr(Line() << "acre: verify: " << line);
}

void print_unrooted(const char* line, void*) {
  rt::write_stderr(Line() << "acre: audit_roots: " << line);
}

void print_stray_store(const char* line, void*) {
  rt::write_stderr(Line() << "acre: check_barriers: " << line);
}

}  // namespace

bool Cycle::check_books(acre_report_fn report, void* arg) {
  const bool specials = weak_.specials.check(report, arg);  // by the rank of its lock
  // The background thread does not stop.
  rt::LockGuard no_pages_on_their_way(heap_->pages.retention().release_lock());
  const bool books = rt::verify_books(*heap_, *threads_, report, arg);
  return fibers_.check(report, arg) && specials && books;
}

bool Cycle::check_references(acre_report_fn report, void* arg) {
  Marker marker(heap_, &pool_);
  marker.report_dangling_to(report, arg);
  mark_alone(marker);
  clear_marks();
  return marker.dangling() == 0;
}

void Cycle::mark_alone(Marker& marker) {
  pool_.reset_overflowed();
  pool_.begin(1);
  mark_roots(marker);
  marker.drain();
  mark_after_overflow(marker);
}

void Cycle::look_at_what_is_marked() {
  if (heap_->options.audit_roots != 0 && heap_->options.conservative_stacks == 0) {
    RootAudit(*heap_, print_unrooted, nullptr, &unrooted_places_).look(*threads_);
  }
  if (!barriers_.active() || barriers_.look(&pool_, print_stray_store, nullptr) == 0) return;
  ACRE_CHECK(heap_->options.check_barriers < 2, "no store goes around the write barrier");
}

// look() while the world is stopped and what roots reach is marked; there ephemerons are as other objects.
template <class Look>
acre_status Cycle::with_marks(Thread* self, Look look) {
  const auto mark_and_look = [&] {
    prepare();
    Marker marker(heap_, &pool_);
    marker.report_dangling_to(nullptr, nullptr);
    mark_alone(marker);
    look();
    clear_marks();
  };
  const bool looked =
      threads_->with_stopped_world(self, [&] { rt::on_roomy_stack(self, mark_and_look); });
  return looked ? ACRE_OK : ACRE_E_STATE;
}

acre_status Cycle::audit_roots(Thread* self, acre_report_fn report, void* arg, uint64_t* count) {
  if (heap_->options.conservative_stacks != 0) return ACRE_E_STATE;
  return with_marks(self,
                    [&] { *count = RootAudit(*heap_, report, arg, nullptr).look(*threads_); });
}

acre_status Cycle::check_barriers(Thread* self, acre_report_fn report, void* arg, uint64_t* count) {
  if (!barriers_.active()) return ACRE_E_STATE;
  return with_marks(self, [&] { *count = barriers_.look(&pool_, report, arg); });
}

void Cycle::clear_marks() {
  for_each_span(heap_->space, [this](rt::Span& span) {
    const uint64_t first = span.first_page().raw * rt::kGranulesPerPage / 64;
    const uint64_t words = span.pages().raw * rt::kGranulesPerPage / 64;
    for (uint64_t i = first; i < first + words; ++i) {
      std::atomic<uint64_t>& word = heap_->space.mark_words()[i];
      if (word.load(std::memory_order_relaxed) != 0) word.store(0, std::memory_order_relaxed);
    }
    return true;
  });
}

bool Cycle::verify_stopped(acre_report_fn report, void* arg) {
  prepare();
  const bool books = check_books(report, arg);
  const bool references = check_references(report, arg);
  return books && references;
}

void Cycle::insist_on_whole_heap() {
  ACRE_CHECK(verify_stopped(print_violation, nullptr), "the heap is whole after a collection");
}

bool Cycle::check_books_aloud() { return check_books(print_violation, nullptr); }

acre_status Cycle::verify(Thread* self, acre_report_fn report, void* arg) {
  bool whole = false;
  const auto check = [&] { whole = verify_stopped(report, arg); };
  if (!threads_->with_stopped_world(self, [&] { rt::on_roomy_stack(self, check); })) {
    return ACRE_E_STATE;
  }
  return whole ? ACRE_OK : ACRE_E_STATE;
}

}  // namespace acre::gc
