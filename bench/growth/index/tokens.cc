#include "bench/growth/index/tokens.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace acre::bench {
namespace {

constexpr std::size_t kReadStep = 1 << 20;

enum Class : unsigned char { kOther, kLetter, kDigit, kNewline };

constexpr std::array<Class, 256> make_classes() {
  std::array<Class, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<std::size_t>(c)] = kLetter;
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<std::size_t>(c)] = kLetter;
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<std::size_t>(c)] = kDigit;
  classes['_'] = kLetter;
  classes['\n'] = kNewline;
  return classes;
}

constexpr std::array<Class, 256> kClasses = make_classes();

Class class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }
bool continues(char c) { return class_of(c) == kLetter || class_of(c) == kDigit; }

// A growing leaf object. The object is only on this thread's stack, which the heap scans.
class TokenBuffer {
 public:
  explicit TokenBuffer(Mutator& mutator) : mutator_(mutator) {}

  void add(const Token& token) {
    if (count_ == capacity_) {
      capacity_ = std::max<std::size_t>(256, 2 * capacity_);
      items_ = static_cast<Token*>(mutator_.realloc(items_, capacity_ * sizeof(Token)));
    }
    items_[count_++] = token;
  }
  const Token* items() const { return items_; }
  std::size_t count() const { return count_; }

 private:
  Mutator& mutator_;
  Token* items_ = nullptr;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
};

void split(const char* text, std::size_t size, TokenBuffer& out) {
  std::uint32_t line = 1;
  for (std::size_t at = 0; at < size;) {
    const Class kind = class_of(text[at]);
    const std::size_t start = at++;
    if (kind == kNewline) ++line;
    if (kind != kLetter && kind != kDigit) continue;
    while (at < size && continues(text[at])) ++at;
    if (kind == kDigit) continue;
    out.add({static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(at - start), line,
             hash_of(text + start, at - start)});
  }
}

class OpenFile {
 public:
  explicit OpenFile(const char* path) : number_(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (number_ >= 0) close(number_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int number() const { return number_; }
  // Its size now, or -1: it may have changed since the directory was read.
  off_t size() const {
    struct stat info {};
    if (number_ < 0 || fstat(number_, &info) != 0 || !S_ISREG(info.st_mode)) return -1;
    return info.st_size;
  }

 private:
  int number_;
};

// The kernel writes into the object, so this cannot be a blocking region; hence the steps.
bool read_into(Mutator& mutator, int file, char* content, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = read(file, content + done, std::min(kReadStep, size - done));
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
    mutator.poll();
  }
  return true;
}

}  // namespace

std::uint32_t hash_of(const char* text, std::size_t length) {
  std::uint32_t hash = 2166136261u;
  for (std::size_t i = 0; i < length; ++i) {
    hash = (hash ^ static_cast<unsigned char>(text[i])) * 16777619u;
  }
  return hash;
}

bool read_tokens(Mutator& mutator, const SourceFile& file, FileTally& tally, Tokens& out) {
  const OpenFile input(file.path.c_str());
  const off_t found = input.size();
  if (found < 0) {
    ++tally.unreadable;
    return false;
  }
  const auto size = static_cast<std::size_t>(found);
  if (size > kMaxFileBytes) {
    ++tally.too_large;
    return false;
  }
  char* content = static_cast<char*>(mutator.alloc_uninit(size));
  if (!read_into(mutator, input.number(), content, size)) {
    ++tally.unreadable;
    return false;
  }
  if (std::memchr(content, '\0', size) != nullptr) {
    ++tally.binary;
    return false;
  }
  TokenBuffer tokens(mutator);
  split(content, size, tokens);
  tally.indexed += 1;
  tally.bytes += size;
  tally.tokens += tokens.count();
  out = {content, tokens.items(), tokens.count()};
  return true;
}

}  // namespace acre::bench
