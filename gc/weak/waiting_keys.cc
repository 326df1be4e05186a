#include "gc/weak/waiting_keys.h"

#include <cstring>
#include <utility>

namespace acre::gc {
namespace {

// At first so many entries; of 16 bytes, with as many heads of 4.
constexpr unsigned kFirstLog2 = 13;
constexpr unsigned kMaxLog2 = 27;  // as an Entry can number

}  // namespace

WaitingKeys::~WaitingKeys() { give_back(); }

void WaitingKeys::give_back() {
  if (span_ != nullptr) heap_->pages.free_span(*span_);
  if (book_size_ != rt::ByteCount(0)) heap_->space.release_meta(entries_, book_size_);
}

void* WaitingKeys::take_room(rt::ByteCount size, rt::Span** span) {
  rt::PageCache none{};  // so many pages at once come from none
  *span = heap_->pages.alloc_span({.pages = rt::pages_for(size),
                                   .size_class = rt::kLargeClass,
                                   .kind = ACRE_KIND_LEAF,
                                   .sweep_gen = heap_->generation()},
                                  none);
  return *span != nullptr ? (*span)->start(heap_->space).as<void>() : take_spare_room(size);
}

// What is too small stays without use: each is twice the last.
void* WaitingKeys::take_spare_room(rt::ByteCount size) {
  if (spare_->size >= size && book_size_ == rt::ByteCount(0)) {
    heap_->space.reuse_meta(spare_->size);
    return spare_->start;
  }
  void* start = heap_->space.meta_alloc(size, rt::kPageBytes);
  if (start != nullptr) *spare_ = {start, size};
  return start;
}

// Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4).
uint32_t& WaitingKeys::head_of(uint64_t key) const {
  return heads_[key * 0x9E3779B97F4A7C15 >> (64 - heads_log2_)];
}

bool WaitingKeys::add(uintptr_t object, WeakPair* pair) {
  if (used_ == capacity_ && !grow()) return false;
  Entry& entry = entries_[used_++];
  entry.pair = pair;
  entry.key = key_of(object);
  uint32_t& head = head_of(entry.key);
  entry.next = std::exchange(head, used_);
  return true;
}

bool WaitingKeys::grow() {
  const unsigned log2 = heads_log2_ == 0 ? kFirstLog2 : heads_log2_ + 1;
  if (log2 > kMaxLog2) return false;
  const uint64_t entries = uint64_t{1} << log2;
  const rt::ByteCount size =
      bytes_of(rt::pages_for(rt::ByteCount(entries * (sizeof(uint32_t) + sizeof(Entry)))));
  rt::Span* span = nullptr;
  auto* fresh = static_cast<Entry*>(take_room(size, &span));
  if (fresh == nullptr) return false;
  if (used_ != 0) memcpy(fresh, entries_, used_ * sizeof(Entry));
  give_back();
  span_ = span;
  book_size_ = span == nullptr ? spare_->size : rt::ByteCount(0);
  entries_ = fresh;
  heads_ = reinterpret_cast<uint32_t*>(fresh + entries);
  heads_log2_ = log2;
  capacity_ = static_cast<uint32_t>(entries);
  memset(heads_, 0, entries * sizeof(uint32_t));
  // Those that are ready, or were, wait for nothing.
  for (uint32_t i = 0; i < used_; ++i) {
    if (entries_[i].key != 0) entries_[i].next = std::exchange(head_of(entries_[i].key), i + 1);
  }
  return true;
}

void WaitingKeys::marked(uintptr_t object) {
  if (used_ == 0) return;
  const uint64_t key = key_of(object);
  uint32_t& head = head_of(key);
  Entry* before = nullptr;
  for (uint32_t number = head; number != 0;) {
    Entry& entry = entries_[number - 1];
    const auto next = static_cast<uint32_t>(entry.next);
    if (entry.key != key) {
      before = &entry;
    } else {
      if (before == nullptr) {
        head = next;
      } else {
        before->next = next;
      }
      entry.key = 0;
      entry.next = ready_;
      ready_ = number;
    }
    number = next;
  }
}

WeakPair* WaitingKeys::take_ready() {
  if (ready_ == 0) return nullptr;
  const Entry& entry = entries_[ready_ - 1];
  ready_ = static_cast<uint32_t>(entry.next);
  return entry.pair;
}

}  // namespace acre::gc
