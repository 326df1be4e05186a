// Owns printing without malloc: a line of text in a fixed buffer, and its way to stderr.
//
//   write_stderr(Line() << "acre: gc " << number << ": " << milliseconds(ns) << " ms");
//
// Everything here is async-signal-safe and touches neither errno nor the heap. What does not fit is
// cut off, and the line then ends in "...". A Line holds no newline of its own: write_stderr adds
// it, and writes text and newline in one call, so that lines of several threads do not mix.

#ifndef ACRE_RUNTIME_BASE_PRINT_H_
#define ACRE_RUNTIME_BASE_PRINT_H_

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "runtime/base/units.h"

namespace acre::rt {

// An unsigned number in hexadecimal: 0x1f.
struct Hex {
  uint64_t value;
};

// value / 10^scale, rounded to `decimals` digits after the point (none: no point). scale <= 19,
// decimals <= scale.
struct Fixed {
  uint64_t value;
  unsigned scale;
  unsigned decimals;
};

// Nanoseconds as milliseconds: 12.345.
constexpr Fixed milliseconds(uint64_t ns) { return Fixed{ns, 6, 3}; }

// Text from outside: in double quotes, at most 64 characters of it, with ? for what does not print.
struct Quoted {
  const char* text;
};

// A size that reads back as itself: 512GiB, 1025B; SIZE_MAX as none.
struct ExactBytes {
  size_t value;
};

class Line {
 public:
  static constexpr size_t kCapacity = 512;  // with the 0 at the end

  Line() { text_[0] = 0; }

  Line& operator<<(const char* text);  // nullptr prints as (null)
  Line& operator<<(char c);
  Line& operator<<(bool value) { return *this << (value ? "true" : "false"); }
  Line& operator<<(Hex number);
  Line& operator<<(Fixed number);
  Line& operator<<(Quoted quoted);
  Line& operator<<(ExactBytes size);
  Line& operator<<(ByteCount size);  // for people, one decimal: 1.5MiB
  Line& operator<<(Addr address) { return *this << Hex{address.raw}; }
  Line& operator<<(const void* pointer) { return *this << Addr(pointer); }

  template <std::unsigned_integral T>
  Line& operator<<(T number) {
    return add_unsigned(number);
  }
  template <std::signed_integral T>
  Line& operator<<(T number) {
    return add_signed(number);
  }

  const char* c_str() const { return text_; }
  size_t length() const { return length_; }
  bool truncated() const { return truncated_; }
  void clear();

 private:
  Line& add_unsigned(uint64_t number);
  Line& add_signed(int64_t number);
  void append(const char* text, size_t length);

  char text_[kCapacity];
  size_t length_ = 0;
  bool truncated_ = false;
};

// Writes the line and a newline to stderr. What cannot be written (closed, full) is lost.
void write_stderr(const Line& line);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_BASE_PRINT_H_
