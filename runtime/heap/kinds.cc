#include "runtime/heap/kinds.h"

#include "runtime/base/print.h"

namespace acre::rt {
namespace {

constexpr uint64_t kCacheLine = 64;

template <size_t kSize>
void copy_name(char (&to)[kSize], const char* from) {
  size_t length = 0;
  for (; length + 1 < kSize && from[length] != 0; ++length) to[length] = from[length];
  to[length] = 0;
}

}  // namespace

bool KindTable::init(Space* space) {
  space_ = space;
  lock_.set_rank(LockRank::kKinds);
  // 510 KiB of addresses, of which each kind that is registered touches 1 KiB.
  shapes_ = static_cast<Shape*>(
      space->meta_alloc(ByteCount(PageEntry::shape_of(kMaxKinds, 0) * sizeof(Shape)), kCacheLine));
  if (shapes_ == nullptr) return false;
  acre_kind built_in = 0;
  Kind kind{};
  kind.tracing = Tracing::kLeaf;
  if (append(kind, "leaf", &built_in) != ACRE_OK || built_in != ACRE_KIND_LEAF) return false;
  kind.tracing = Tracing::kConservative;
  return append(kind, "conservative", &built_in) == ACRE_OK && built_in == ACRE_KIND_CONSERVATIVE;
}

acre_status KindTable::add(const acre_kind_info& info, acre_kind* out, bool internal) {
  if (info.struct_size != sizeof(acre_kind_info)) return ACRE_E_INVALID;
  if ((info.flags & ~uint64_t{ACRE_KIND_HAS_HEADER | ACRE_KIND_EXPLICIT}) != 0)
    return ACRE_E_INVALID;
  const bool refers = info.trace != nullptr || info.pointer_bitmap != nullptr;
  if (refers && (info.flags & ACRE_KIND_EXPLICIT) != 0) return ACRE_E_INVALID;
  if (info.trace != nullptr && info.pointer_bitmap != nullptr) return ACRE_E_INVALID;
  Kind kind{};
  kind.internal = internal;
  kind.explicitly_freed = (info.flags & ACRE_KIND_EXPLICIT) != 0;
  kind.header_words = (info.flags & ACRE_KIND_HAS_HEADER) != 0 ? 1 : 0;
  if (info.pointer_bitmap != nullptr) {
    if (info.element_words == 0 || info.element_words > kMaxElementWords) return ACRE_E_INVALID;
    kind.tracing = Tracing::kBitmap;
    kind.element_words = static_cast<uint32_t>(info.element_words);
  } else {
    if (info.element_words != 0) return ACRE_E_INVALID;
    kind.tracing = info.trace != nullptr ? Tracing::kFunction : Tracing::kLeaf;
    kind.trace = info.trace;
  }
  LockGuard guard(lock_);
  if (count() == kMaxKinds) return ACRE_E_LIMIT;
  if (kind.tracing == Tracing::kBitmap) {
    kind.bitmap = copy_bitmap(info.pointer_bitmap, info.element_words);
    if (kind.bitmap == nullptr) return ACRE_E_NOMEM;
  }
  return append(kind, info.name, out);
}

const uint64_t* KindTable::copy_bitmap(const void* bits, size_t count) {
  auto* words = static_cast<uint64_t*>(
      space_->meta_alloc(ByteCount((count + 63) / 64 * sizeof(uint64_t)), alignof(uint64_t)));
  if (words == nullptr) return nullptr;
  // Byte by byte: the caller's array may be one of bytes, not aligned, and no longer than it need
  // be.
  const auto* bytes = static_cast<const unsigned char*>(bits);
  for (size_t bit = 0; bit < count; ++bit) {
    if (((bytes[bit / 8] >> (bit % 8)) & 1) != 0) words[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  return words;
}

acre_status KindTable::append(const Kind& kind, const char* name, acre_kind* out) {
  const unsigned number = count_.load(std::memory_order_relaxed);
  Kind& slot = kinds_[number];
  slot = kind;
  slot.centrals = static_cast<Central*>(
      space_->meta_alloc(ByteCount(kSizeClasses * sizeof(Central)), alignof(Central)));
  if (slot.centrals == nullptr) return ACRE_E_NOMEM;
  if (name != nullptr) {
    copy_name(slot.name, name);
  } else {
    Line line;
    line << "kind " << number;
    copy_name(slot.name, line.c_str());
  }
  fill_shapes(number);
  count_.store(number + 1, std::memory_order_release);
  *out = number;
  return ACRE_OK;
}

void KindTable::fill_shapes(uint32_t number) {
  const Kind& kind = kinds_[number];
  for (uint32_t size_class = 0; size_class < kSizeClasses; ++size_class) {
    Shape& shape = shapes_[PageEntry::shape_of(number, size_class)];
    shape = {0, kClasses[size_class].bytes, Scan::kOther};
    const uint32_t words = shape.bytes / sizeof(void*);
    if (kind.explicitly_freed) {
      shape = {0, 0, Scan::kKept};
    } else if (kind.tracing == Tracing::kLeaf) {
      shape.scan = Scan::kNone;
    } else if (kind.tracing != Tracing::kFunction && words != 0 && words <= 64) {
      shape.scan = Scan::kMask;
      for (uint32_t word = 0; word < words; ++word) {
        if (kind.refers(word)) shape.mask |= uint64_t{1} << word;
      }
    }
  }
}

}  // namespace acre::rt
