#include "bench/growth/mutator.h"

#include <fmt/format.h>

#include "bench/growth/units.h"

namespace acre::bench {

OutOfMemory::OutOfMemory(std::size_t bytes)
    : std::runtime_error(
          fmt::format("out of memory: no room for an object of {}, even after a collection",
                      long_bytes(static_cast<double>(bytes)))) {}

HeapError::HeapError(const char* call, acre_status status)
    : std::runtime_error(fmt::format("{}: {}", call, acre_strerror(status))) {}

void require(const char* call, acre_status status) {
  if (status != ACRE_OK) throw HeapError(call, status);
}

Mutator::Mutator(acre_heap* heap, const std::atomic<bool>& cancel) : heap_(heap), cancel_(cancel) {
  require("acre_thread_attach", acre_thread_attach(heap, &thread_));
}

Mutator::~Mutator() { acre_thread_detach(thread_); }

void Mutator::fail(std::size_t bytes) const {
  const acre_status status = acre_last_error(thread_);
  if (status != ACRE_E_NOMEM) throw HeapError("acre_alloc", status);
  throw OutOfMemory(bytes);
}

Root::Root(Mutator& mutator, void* object) : handle_(acre_handle_new(mutator.thread(), object)) {
  if (handle_ == nullptr) throw HeapError("acre_handle_new", acre_last_error(mutator.thread()));
}

acre_kind register_bitmap_kind(acre_heap* heap, const char* name, const std::uint64_t* bitmap,
                               std::size_t words) {
  acre_kind_info info{};
  info.struct_size = sizeof info;
  info.name = name;
  info.pointer_bitmap = bitmap;
  info.element_words = words;
  acre_kind kind = ACRE_KIND_NONE;
  require("acre_kind_register", acre_kind_register(heap, &info, &kind));
  return kind;
}

acre_kind register_traced_kind(acre_heap* heap, const char* name, acre_trace_fn trace) {
  acre_kind_info info{};
  info.struct_size = sizeof info;
  info.name = name;
  info.trace = trace;
  acre_kind kind = ACRE_KIND_NONE;
  require("acre_kind_register", acre_kind_register(heap, &info, &kind));
  return kind;
}

}  // namespace acre::bench
