// Mappings for the facts. The calls go to the kernel directly: under a sanitizer the C library's mmap keeps
// books of its own, which would be measured too.
//
// Every zone lies between two guards that nobody else's mapping can merge with, so that what the kernel
// says of its range is about the zone alone. Facts leave their zones behind; the process ends with them.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/growth/units.h"

namespace acre::bench {

inline constexpr std::size_t kHuge = 2 * kMiB;
inline constexpr int kReadWrite = PROT_READ | PROT_WRITE;

// Advice that the C library's headers may not have yet.
inline constexpr int kAdviceFree = 8;            // Linux 4.5
inline constexpr int kAdvicePopulateWrite = 23;  // Linux 5.14
inline constexpr int kAdviceCollapse = 25;       // Linux 6.1
inline constexpr int kAdviceGuardInstall = 102;  // Linux 6.13
inline constexpr int kAdviceGuardRemove = 103;

// 0, or what errno says.
int map_at(void* start, std::size_t size, int protection, int more_flags = 0);
int unmap(void* start, std::size_t size);
int protect(void* start, std::size_t size, int protection);
int advise(void* start, std::size_t size, int advice);
int lock(void* start, std::size_t size);

// Where nothing is mapped yet, else EEXIST. -1: this kernel does not know MAP_FIXED_NOREPLACE.
int map_new_at(void* start, std::size_t size, int protection);

// Anywhere; nullptr and errno if refused.
char* map_anywhere(std::size_t size, int protection, int more_flags = 0);

// A zone of `size` bytes that starts at a multiple of 2 MiB. Throws where the kernel refuses.
char* make_zone(std::size_t size, int protection = kReadWrite, int more_flags = 0);

// Fills a zone's holes before anything else is mapped there, malloc's for one: no access, one mapping.
void close_zone(char* zone, std::size_t size);

// A byte into each page, or all bytes.
void touch_pages(char* start, std::size_t size);
void fill(char* start, std::size_t size, char value);
bool all_bytes_are(const char* start, std::size_t size, char value);

// Whether reading the byte there ends in SIGSEGV. One thread.
bool faults(const char* address);

// This process gets no huge pages from here on. Throws where the kernel refuses.
void small_pages_only();

std::size_t page_bytes();

// "+64.0 KiB", "-2.00 MiB", "+0".
std::string change(std::int64_t bytes);
// Sizes and counts in prose: "64.0 KiB", "0", "10,000".
std::string size_text(std::int64_t bytes);
std::string count_text(std::int64_t count);
// "done", or the name: "ENOMEM".
std::string result_text(int error);

}  // namespace acre::bench
