// Owns the units of the heap: addresses, pages, counts of pages and of bytes, and the constants
// that relate them. Each unit is a type of its own, so that pages are never added to bytes by
// accident.
//
// The numbers are Go's (malloc.go, mpagealloc.go): pages of 8 KiB, chunks of 512 pages (4 MiB, what
// one bitmap of the page allocator covers), arenas of 64 MiB (what is mapped at a time). The
// granule of 16 bytes is ours: object sizes and starts are multiples of it, and one mark bit and
// one alloc bit stand for it.

#ifndef ACRE_RUNTIME_BASE_UNITS_H_
#define ACRE_RUNTIME_BASE_UNITS_H_

#include <compare>
#include <cstddef>
#include <cstdint>

namespace acre::rt {

// A count of something: adds to and compares with its own kind only.
template <class Tag>
struct Quantity {
  uint64_t raw = 0;

  constexpr Quantity() = default;
  constexpr explicit Quantity(uint64_t value) : raw(value) {}

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator+(Quantity other) const { return Quantity(raw + other.raw); }
  constexpr Quantity operator-(Quantity other) const { return Quantity(raw - other.raw); }
  constexpr Quantity operator*(uint64_t factor) const { return Quantity(raw * factor); }
  constexpr Quantity& operator+=(Quantity other) {
    raw += other.raw;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    raw -= other.raw;
    return *this;
  }
};

using ByteCount = Quantity<struct ByteTag>;
using PageCount = Quantity<struct PageTag>;

inline constexpr unsigned kPageShift = 13;
inline constexpr unsigned kGranuleShift = 4;
inline constexpr unsigned kArenaShift = 26;
inline constexpr unsigned kChunkShift = 9;  // pages of a chunk, as a power of two

inline constexpr uint64_t kPageBytes = uint64_t{1} << kPageShift;
inline constexpr uint64_t kGranuleBytes = uint64_t{1} << kGranuleShift;
inline constexpr uint64_t kArenaBytes = uint64_t{1} << kArenaShift;
inline constexpr uint64_t kChunkPages = uint64_t{1} << kChunkShift;
inline constexpr uint64_t kArenaPages = kArenaBytes / kPageBytes;
inline constexpr uint64_t kGranulesPerPage = kPageBytes / kGranuleBytes;

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;

// The number of a page, counted from the start of the heap's range.
struct PageId {
  uint64_t raw = 0;

  constexpr PageId() = default;
  constexpr explicit PageId(uint64_t value) : raw(value) {}

  constexpr auto operator<=>(const PageId&) const = default;
  constexpr PageId operator+(PageCount n) const { return PageId(raw + n.raw); }
  constexpr PageId operator-(PageCount n) const { return PageId(raw - n.raw); }
  constexpr PageCount operator-(PageId other) const { return PageCount(raw - other.raw); }
};

// An address, as a number: in the heap's range or anywhere.
struct Addr {
  uintptr_t raw = 0;

  constexpr Addr() = default;
  constexpr explicit Addr(uintptr_t value) : raw(value) {}
  explicit Addr(const volatile void* p) : raw(reinterpret_cast<uintptr_t>(p)) {}

  constexpr auto operator<=>(const Addr&) const = default;
  constexpr Addr operator+(ByteCount n) const { return Addr(raw + n.raw); }
  constexpr Addr operator-(ByteCount n) const { return Addr(raw - n.raw); }
  constexpr ByteCount operator-(Addr other) const { return ByteCount(raw - other.raw); }

  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(raw);  // NOLINT(performance-no-int-to-ptr): what an Addr is for
  }
};

constexpr ByteCount bytes_of(PageCount n) { return ByteCount(n.raw << kPageShift); }
constexpr PageCount pages_for(ByteCount n) {
  return PageCount((n.raw + kPageBytes - 1) >> kPageShift);
}

// `alignment` is a power of two.
constexpr uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}
constexpr uint64_t align_down(uint64_t value, uint64_t alignment) {
  return value & ~(alignment - 1);
}
constexpr bool is_power_of_two(uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_BASE_UNITS_H_
