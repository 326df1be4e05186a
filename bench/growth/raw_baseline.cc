#include "bench/growth/raw_baseline.h"

#include <sys/mman.h>

#include <thread>

#include "bench/growth/process.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kNode = 64;

void write_pages(volatile char* from, std::uint64_t bytes) {
  for (std::uint64_t at = 0; at < bytes; at += kPage) from[at] = 1;
}

// As workload_small.cc fills a node: two links and a number.
void write_nodes(volatile char* from, std::uint64_t bytes) {
  for (std::uint64_t at = 0; at < bytes; at += kNode) {
    auto* words = reinterpret_cast<volatile std::uint64_t*>(from + at);
    words[0] = at + kNode;
    words[1] = at - kNode;
    words[2] = at;
  }
}

using Writer = void (*)(volatile char*, std::uint64_t);

void write_all(char* memory, std::uint64_t bytes, unsigned threads, Writer writer) {
  const std::uint64_t share = bytes / threads / kPage * kPage;
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(writer, memory + i * share, share);
  // The first share takes what does not divide, at the end of the mapping.
  writer(memory, share);
  writer(memory + threads * share, bytes - threads * share);
  for (std::thread& thread : others) thread.join();
}

bool measure(RawFigures& figures, unsigned threads, int huge_pages, Writer writer) {
  const std::uint64_t resident = resident_exact();
  const std::uint64_t faults = minor_faults();
  const double processor = processor_seconds();
  const double start = now_seconds();
  void* memory =
      mmap(nullptr, figures.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (huge_pages == ACRE_HUGE_PAGES_ALWAYS) madvise(memory, figures.bytes, MADV_HUGEPAGE);
  if (huge_pages == ACRE_HUGE_PAGES_NEVER) madvise(memory, figures.bytes, MADV_NOHUGEPAGE);
  write_all(static_cast<char*>(memory), figures.bytes, threads, writer);
  figures.seconds = now_seconds() - start;
  figures.processor_seconds = processor_seconds() - processor;
  figures.minor_faults = minor_faults() - faults;
  figures.resident = resident_exact() - resident;
  munmap(memory, figures.bytes);
  return true;
}

}  // namespace

double RawFigures::bytes_per_second() const { return ratio(static_cast<double>(bytes), seconds); }

std::vector<RawFigures> measure_raw(std::uint64_t bytes, unsigned threads, int huge_pages) {
  bytes = (bytes + kPage - 1) / kPage * kPage;
  RawFigures pages;
  pages.name = "raw, a write a page";
  pages.stride = kPage;
  pages.bytes = bytes;
  RawFigures nodes = pages;
  nodes.name = "raw, three words a node";
  nodes.stride = kNode;
  if (bytes == 0 || !measure(pages, threads, huge_pages, write_pages)) return {};
  if (!measure(nodes, threads, huge_pages, write_nodes)) return {};
  return {pages, nodes};
}

}  // namespace acre::bench
