#include "runtime/os/proc_text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <initializer_list>

namespace acre::rt {

Path& Path::operator<<(const char* text) {
  const size_t added = strlen(text);
  if (too_long_ || added >= sizeof(text_) - length_) {
    too_long_ = true;
    length_ = 0;
  } else {
    memcpy(text_ + length_, text, added);
    length_ += added;
  }
  text_[length_] = 0;
  return *this;
}

void Path::restart() {
  length_ = 0;
  too_long_ = false;
  text_[0] = 0;
}

void Path::shorten(size_t length) {
  if (length >= length_) return;
  length_ = length;
  text_[length_] = 0;
}

void Path::to_parent() {
  const char* slash = strrchr(text_, '/');
  if (slash != nullptr) shorten(static_cast<size_t>(slash - text_));
}

int open_file(const char* path) {
  for (;;) {
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file >= 0 || errno != EINTR) return file;
  }
}

namespace {

constexpr size_t kLongestName = 96;

// Roots are for tests: a path has its 4 KiB of stack only where there is one.
__attribute__((noinline)) int open_below_root(const char* root, const char* name) {
  Path path;
  path << root << name;
  return open_file(path.c_str());
}

}  // namespace

int open_below(const char* root, const char* name) {
  return *root == 0 ? open_file(name) : open_below_root(root, name);
}

int open_own_file(const char* root, const char* name) {
  for (const char* self : {"/proc/thread-self/", "/proc/self/"}) {
    char path[kLongestName];
    const size_t before = strlen(self);
    const size_t length = strlen(name);
    if (before + length >= sizeof(path)) return -1;
    memcpy(path, self, before);
    memcpy(path + before, name, length + 1);
    const int file = open_below(root, path);
    if (file >= 0) return file;
  }
  return -1;
}

long read_some(int file, char* buffer, size_t size) {
  for (;;) {
    const ssize_t count = read(file, buffer, size);
    if (count >= 0 || errno != EINTR) return count;
  }
}

LineReader::~LineReader() {
  if (file_ >= 0) close(file_);
}

void LineReader::read(int file) {
  if (file_ >= 0) close(file_);
  file_ = file;
  in_long_line_ = false;
  start_ = 0;
  end_ = 0;
}

bool LineReader::fill() {
  if (file_ < 0) return false;
  const long count = read_some(file_, buffer_ + end_, kLongest - end_);
  if (count <= 0) return false;
  end_ += static_cast<size_t>(count);
  return true;
}

char* LineReader::next() {
  for (;;) {
    char* const line = buffer_ + start_;
    char* const newline = static_cast<char*>(memchr(line, '\n', end_ - start_));
    if (newline != nullptr) {
      *newline = 0;
      start_ = static_cast<size_t>(newline + 1 - buffer_);
      if (!in_long_line_) return line;
      in_long_line_ = false;
      continue;
    }
    end_ -= start_;
    memmove(buffer_, line, end_);
    start_ = 0;
    if (end_ == kLongest) in_long_line_ = true;
    if (in_long_line_) end_ = 0;
    if (fill()) continue;
    if (end_ == 0) return nullptr;
    buffer_[end_] = 0;  // the last line, without a newline
    end_ = 0;
    return buffer_;
  }
}

bool parse_number(const char* text, const char* end, uint64_t* out) {
  if (text == end) return false;
  uint64_t number = 0;
  for (; text != end; ++text) {
    if (*text < '0' || *text > '9') return false;
    const auto digit = static_cast<uint64_t>(*text - '0');
    if (__builtin_mul_overflow(number, 10, &number)) return false;
    if (__builtin_add_overflow(number, digit, &number)) return false;
  }
  *out = number;
  return true;
}

bool read_number(const char* path, uint64_t* out) { return read_number(open_file(path), out); }

bool read_number(int file, uint64_t* out) {
  if (file < 0) return false;
  char text[64];
  const long count = read_some(file, text, sizeof(text));
  close(file);
  if (count <= 0) return false;
  const char* end = text + count;
  if (end[-1] == '\n') --end;
  return parse_number(text, end, out);
}

}  // namespace acre::rt
