// Owns reading the kernel's small text files without malloc: a path in a buffer, a file line by
// line, a file that is one number. Nothing is shared, so any thread may. LineReader has 8 KiB and Path 4 KiB: too
// much for the stack of a fiber, so what may run there has them elsewhere. Changes errno.

#ifndef ACRE_RUNTIME_OS_PROC_TEXT_H_
#define ACRE_RUNTIME_OS_PROC_TEXT_H_

#include <limits.h>

#include <cstddef>
#include <cstdint>

namespace acre::rt {

// Line of runtime/base/print.h is shorter than a path may be. What does not fit makes the path
// empty for good, and no file has the empty name: so it is enough to see that opening fails.
class Path {
 public:
  Path() { text_[0] = 0; }

  Path& operator<<(const char* text);
  // As a new one.
  void restart();
  // Back to the first `length` characters.
  void shorten(size_t length);
  // Cuts off the last "/name". There is a slash.
  void to_parent();

  const char* c_str() const { return text_; }
  size_t length() const { return length_; }
  bool empty() const { return length_ == 0; }

 private:
  size_t length_ = 0;
  bool too_long_ = false;
  char text_[PATH_MAX];  // with the 0 at the end
};

// Opens for reading; -1: cannot.
int open_file(const char* path);
// <root><name>.
int open_below(const char* root, const char* name);
// <root>/proc/thread-self/<name>, or where that cannot be opened <root>/proc/self/<name>. The
// first, because /proc/self is the main thread, and if that one has exited its files are empty.
int open_own_file(const char* root, const char* name);
// Bytes read, 0 at the end, -1: cannot.
long read_some(int file, char* buffer, size_t size);

// Lines of a file that may be larger than the buffer. A line longer than the buffer is left out.
class LineReader {
 public:
  static constexpr size_t kLongest = 8 * 1024;  // with the newline

  LineReader() = default;
  // Takes over the open file, and closes it. -1 reads as an empty one.
  explicit LineReader(int file) : file_(file) {}
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The same with another file, from its beginning; the one before is closed.
  void read(int file);

  // The next line, without its newline; it may be written to, and is there until the next call.
  // nullptr: no more, or the rest cannot be read.
  char* next();

 private:
  bool fill();

  int file_ = -1;
  bool in_long_line_ = false;  // what comes up to the next newline is to be left out
  size_t start_ = 0;           // buffer_[start_, end_) was read and not yet handed out
  size_t end_ = 0;
  char buffer_[kLongest + 1];
};

// All of [text, end) is one decimal number. False: it is not, or does not fit; *out is as before.
bool parse_number(const char* text, const char* end, uint64_t* out);
// The file is one number and perhaps a newline. False: cannot be read, or holds anything else.
bool read_number(const char* path, uint64_t* out);
// The same of an open one, or -1; closes it.
bool read_number(int file, uint64_t* out);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_PROC_TEXT_H_
