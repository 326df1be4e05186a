#include "bench/facts/memory.h"

#include <fmt/format.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace acre::bench {
namespace {

sigjmp_buf back_from_fault;

void jump_back(int) { siglongjmp(back_from_fault, 1); }

int error_of(long result) { return result == -1 ? errno : 0; }

}  // namespace

int map_at(void* start, std::size_t size, int protection, int more_flags) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | more_flags;
  return error_of(syscall(SYS_mmap, start, size, protection, flags, -1, 0));
}

int map_new_at(void* start, std::size_t size, int protection) {
  constexpr int kNoReplace = 0x100000;  // MAP_FIXED_NOREPLACE, Linux 4.17
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | kNoReplace;
  const long result = syscall(SYS_mmap, start, size, protection, flags, -1, 0);
  if (result == -1) return errno;
  if (reinterpret_cast<void*>(result) == start) return 0;
  unmap(reinterpret_cast<void*>(result), size);
  return -1;
}

int unmap(void* start, std::size_t size) { return error_of(syscall(SYS_munmap, start, size)); }

int protect(void* start, std::size_t size, int protection) {
  return error_of(syscall(SYS_mprotect, start, size, protection));
}

int advise(void* start, std::size_t size, int advice) {
  return error_of(syscall(SYS_madvise, start, size, advice));
}

int lock(void* start, std::size_t size) { return error_of(syscall(SYS_mlock, start, size)); }

char* map_anywhere(std::size_t size, int protection, int more_flags) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | more_flags;
  const long result = syscall(SYS_mmap, nullptr, size, protection, flags, -1, 0);
  return result == -1 ? nullptr : reinterpret_cast<char*>(result);
}

char* make_zone(std::size_t size, int protection, int more_flags) {
  char* all = map_anywhere(size + 3 * kHuge, PROT_NONE, MAP_NORESERVE);
  if (all == nullptr) {
    throw std::runtime_error(fmt::format("no {} of address space: {}",
                                         size_text(static_cast<std::int64_t>(size)),
                                         result_text(errno)));
  }
  const auto misplaced = reinterpret_cast<std::uintptr_t>(all) % kHuge;
  char* zone = all + kHuge + (misplaced == 0 ? 0 : kHuge - misplaced);
  // The guards are of another sort than a zone without access: those would merge.
  if (protection == PROT_NONE) {
    protect(all, static_cast<std::size_t>(zone - all), PROT_READ);
    protect(zone + size, kHuge, PROT_READ);
  }
  if (const int error = map_at(zone, size, protection, more_flags); error != 0) {
    throw std::runtime_error("no mapping: " + result_text(error));
  }
  return zone;
}

void close_zone(char* zone, std::size_t size) { map_at(zone, size, PROT_NONE, MAP_NORESERVE); }

void touch_pages(char* start, std::size_t size) {
  for (std::size_t at = 0; at < size; at += page_bytes()) {
    *static_cast<volatile char*>(start + at) = 1;
  }
}

void fill(char* start, std::size_t size, char value) { memset(start, value, size); }

bool all_bytes_are(const char* start, std::size_t size, char value) {
  return size == 0 || (*start == value && memcmp(start, start + 1, size - 1) == 0);
}

bool faults(const char* address) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = jump_back;
  sigaction(SIGSEGV, &action, &before);
  volatile bool faulted = true;
  if (sigsetjmp(back_from_fault, 1) == 0) {
    [[maybe_unused]] const char value = *static_cast<const volatile char*>(address);
    faulted = false;
  }
  sigaction(SIGSEGV, &before, nullptr);
  return faulted;
}

void small_pages_only() {
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) {
    throw std::runtime_error("PR_SET_THP_DISABLE: " + result_text(errno));
  }
}

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

std::string size_text(std::int64_t bytes) {
  return bytes == 0 ? "0" : long_bytes(static_cast<double>(bytes));
}

std::string change(std::int64_t bytes) { return (bytes < 0 ? "" : "+") + size_text(bytes); }

std::string count_text(std::int64_t count) { return grouped(static_cast<std::uint64_t>(count)); }

std::string result_text(int error) {
  if (error == 0) return "done";
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : fmt::format("errno {}", error);
}

}  // namespace acre::bench
