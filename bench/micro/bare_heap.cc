#include "bench/micro/bare_heap.h"

#include <cstdio>
#include <cstdlib>

#include "gc/sweep/sweeper.h"
#include "runtime/base/options.h"

namespace acre::bench {

struct BareHeap::Parts {
  rt::Heap heap;
  gc::Sweeper sweeper;
  rt::PageCache pages;  // for new_span
};

namespace {

[[noreturn]] void die(acre_status status) {
  std::fprintf(stderr, "cannot make a heap: %s\n", acre_strerror(status));
  std::exit(1);
}

}  // namespace

BareHeap::BareHeap(std::uint64_t reserve_bytes) : parts_(new Parts()), core_(&parts_->heap) {
  acre_options options;
  rt::options_defaults(&options);
  options.reserve_bytes = reserve_bytes;
  const acre_status status = core_->init(options, nullptr);
  if (status != ACRE_OK) die(status);
  parts_->sweeper.init(core_, nullptr);  // nothing is attached to objects
  core_->collector = &parts_->sweeper;
  // Of the books, as a thread's is.
  void* cache = core_->space.meta_alloc(rt::ByteCount(sizeof(rt::ThreadCache)), 64);
  if (cache == nullptr) die(ACRE_E_NOMEM);
  cache_ = static_cast<rt::ThreadCache*>(cache);
  cache_->init(core_);
}

BareHeap::~BareHeap() {
  // A kernel that refuses to unmap leaves the range to the end of the program.
  (void)core_->space.destroy();
  delete parts_;
}

rt::Span* BareHeap::new_span(std::uint8_t size_class) {
  return core_->pages.alloc_span({.pages = rt::PageCount(rt::kClasses[size_class].pages),
                                  .size_class = size_class,
                                  .kind = ACRE_KIND_LEAF,
                                  .sweep_gen = core_->generation()},
                                 parts_->pages);
}

rt::Span* BareHeap::take_with_room(std::uint8_t size_class) {
  return central(ACRE_KIND_LEAF, size_class)
      .take_with_room(core_->generation(), 0, parts_->sweeper);
}

void BareHeap::put_with_room(rt::Span* span) {
  central(span->kind, span->size_class).put(span, true, core_->generation());
}

void BareHeap::begin_sweep() { parts_->sweeper.begin(); }

void BareHeap::sweep(std::span<rt::Span* const> spans) {
  for (rt::Span* span : spans) (void)parts_->sweeper.sweep(*span, false);
}

void BareHeap::finish_sweep() { parts_->sweeper.finish(); }

}  // namespace acre::bench
