#include "runtime/base/print.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

namespace acre::rt {
namespace {

constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
constexpr unsigned kUnitCount = 7;

// Digits from the end of a buffer backwards.
class Digits {
 public:
  Digits() : start_(buffer_ + sizeof(buffer_)) {}

  void prepend(char c) { *--start_ = c; }
  void prepend_number(uint64_t number, unsigned base) {
    do {
      prepend("0123456789abcdef"[number % base]);
      number /= base;
    } while (number != 0);
  }

  const char* text() const { return start_; }
  size_t length() const { return static_cast<size_t>(buffer_ + sizeof(buffer_) - start_); }

 private:
  char buffer_[32];
  char* start_;
};

}  // namespace

void Line::clear() {
  text_[0] = 0;
  length_ = 0;
  truncated_ = false;
}

void Line::append(const char* text, size_t length) {
  if (truncated_) return;
  const size_t room = kCapacity - 1 - length_;
  const size_t taken = length < room ? length : room;
  memcpy(text_ + length_, text, taken);
  length_ += taken;
  text_[length_] = 0;
  if (taken < length) {
    truncated_ = true;
    memcpy(text_ + length_ - 3, "...", 3);
  }
}

Line& Line::operator<<(const char* text) {
  if (text == nullptr) text = "(null)";
  append(text, strlen(text));
  return *this;
}

Line& Line::operator<<(char c) {
  append(&c, 1);
  return *this;
}

Line& Line::operator<<(Hex number) {
  Digits digits;
  digits.prepend_number(number.value, 16);
  digits.prepend('x');
  digits.prepend('0');
  append(digits.text(), digits.length());
  return *this;
}

Line& Line::operator<<(Fixed number) {
  uint64_t value = number.value;
  // All digits to be dropped but one first, so that adding the half cannot overflow.
  for (unsigned i = number.decimals + 1; i < number.scale; ++i) value /= 10;
  if (number.decimals < number.scale) value = value / 10 + (value % 10 >= 5 ? 1 : 0);

  Digits digits;
  for (unsigned i = 0; i < number.decimals; ++i) {
    digits.prepend(static_cast<char>('0' + value % 10));
    value /= 10;
  }
  if (number.decimals != 0) digits.prepend('.');
  digits.prepend_number(value, 10);
  append(digits.text(), digits.length());
  return *this;
}

Line& Line::operator<<(Quoted quoted) {
  if (quoted.text == nullptr) return *this << "(null)";
  constexpr size_t kShown = 64;
  *this << '"';
  size_t i = 0;
  for (; i < kShown && quoted.text[i] != 0; ++i) {
    const char c = quoted.text[i];
    *this << (c >= ' ' && c <= '~' ? c : '?');
  }
  if (quoted.text[i] != 0) *this << "...";
  return *this << '"';
}

Line& Line::operator<<(ExactBytes size) {
  if (size.value == SIZE_MAX) return *this << "none";
  uint64_t value = size.value;
  unsigned unit = 0;
  // parse_bytes knows no more than TiB.
  while (value != 0 && value % 1024 == 0 && unit < 4) {
    value /= 1024;
    ++unit;
  }
  return *this << value << kUnits[unit];
}

Line& Line::operator<<(ByteCount size) {
  uint64_t whole = size.raw;
  uint64_t rest = 0;  // of 1024; what is below matters to nobody
  unsigned unit = 0;
  while (whole >= 1024 && unit + 1 < kUnitCount) {
    rest = whole % 1024;
    whole /= 1024;
    ++unit;
  }
  uint64_t tenths = (rest * 10 + 512) / 1024;
  if (tenths == 10) {
    tenths = 0;
    ++whole;
    if (whole == 1024 && unit + 1 < kUnitCount) {
      whole = 1;
      ++unit;
    }
  }
  *this << whole;
  if (tenths != 0) *this << '.' << tenths;
  return *this << kUnits[unit];
}

Line& Line::add_unsigned(uint64_t number) {
  Digits digits;
  digits.prepend_number(number, 10);
  append(digits.text(), digits.length());
  return *this;
}

Line& Line::add_signed(int64_t number) {
  const bool negative = number < 0;
  Digits digits;
  // Negated as unsigned: the smallest number has no positive counterpart.
  digits.prepend_number(negative ? uint64_t{0} - static_cast<uint64_t>(number) : number, 10);
  if (negative) digits.prepend('-');
  append(digits.text(), digits.length());
  return *this;
}

void write_stderr(const Line& line) {
  const int saved_errno = errno;
  char text[Line::kCapacity];  // the 0 makes room for the newline
  memcpy(text, line.c_str(), line.length());
  text[line.length()] = '\n';
  const size_t length = line.length() + 1;
  size_t written = 0;
  while (written < length) {
    const ssize_t result = write(STDERR_FILENO, text + written, length - written);
    if (result < 0 && errno == EINTR) continue;
    if (result <= 0) break;
    written += static_cast<size_t>(result);
  }
  errno = saved_errno;
}

}  // namespace acre::rt
