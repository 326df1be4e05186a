// index: real input. Reads the text files below a directory and builds an inverted index of their
// identifiers in the heap. Its size is what the input gives: --gib does not apply.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <numeric>

#include "bench/growth/index/inverted_index.h"
#include "bench/growth/process.h"
#include "bench/growth/units.h"
#include "bench/growth/workload.h"

namespace acre::bench {
namespace {

class IndexWorkload : public Workload {
 public:
  explicit IndexWorkload(const Settings& settings)
      : directory_(settings.directory),
        tree_(scan_directory(directory_)),
        index_(tree_.files, settings.threads) {}

  std::string_view name() const override { return "index"; }
  std::string_view description() const override {
    return "An inverted index of the identifiers in the text files of a directory; segments are "
           "rebuilt";
  }

  void start(Mutator& mutator) override {
    index_.start(mutator);
    live_add(index_.table_bytes());
  }

  void grow(Mutator& mutator, unsigned part) override {
    FileTally tally;
    for (std::size_t i = 0; i < index_.segments(part); ++i) {
      if (index_.holds(part, i)) continue;  // drop_to kept it
      live_add(index_.build(mutator, part, i, tally));
    }
    const std::lock_guard lock(mutex_);
    tally_ += tally;
  }

  // Every segment once: the files are read again.
  void steady(Mutator& mutator, unsigned part) override {
    std::vector<std::size_t> order(index_.segments(part));
    std::iota(order.begin(), order.end(), std::size_t{0});
    Random random(part + 1);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    FileTally ignored;
    for (const std::size_t position : order) {
      live_drop(index_.drop(mutator, part, position));
      live_add(index_.build(mutator, part, position, ignored));
    }
  }

  void drop_half(Mutator& mutator, unsigned part) override {
    for (std::size_t i = 1; i < index_.segments(part); i += 2) {
      live_drop(index_.drop(mutator, part, i));
    }
  }

  // Segments are few and large: one is kept, whatever its size.
  void drop_to(Mutator& mutator, unsigned part, std::uint64_t keep) override {
    for (std::size_t i = part == 0 && keep > 0 ? 1 : 0; i < index_.segments(part); ++i) {
      live_drop(index_.drop(mutator, part, i));
    }
  }

  void check(Mutator& mutator, unsigned part) override { index_.check(mutator, part); }

  void report(Mutator& mutator, Findings& findings) override {
    const auto fact = [&](const char* name, std::uint64_t value) {
      findings.facts.emplace_back(name, grouped(value));
    };
    findings.facts.emplace_back("directory", directory_);
    fact("files indexed", tally_.indexed);
    findings.facts.emplace_back("text", long_bytes(static_cast<double>(tally_.bytes)));
    fact("identifiers met", tally_.tokens);
    fact("files skipped as binary", tally_.binary);
    fact("files or directories unreadable", tally_.unreadable + tree_.unreadable);
    if (tally_.too_large != 0) fact("files skipped as too large", tally_.too_large);
    if (tree_.directory_links != 0)
      fact("links to directories not followed", tree_.directory_links);
    if (tally_.indexed == 0)
      findings.facts.emplace_back("note", "the directory holds no text file");
    const double start = now_seconds();
    findings.top = index_.top(mutator, 10);
    findings.facts.emplace_back("answered in", short_time(now_seconds() - start));
  }

 private:
  std::string directory_;
  SourceTree tree_;
  InvertedIndex index_;
  std::mutex mutex_;
  FileTally tally_;
};

}  // namespace

std::unique_ptr<Workload> make_index(const Settings& settings) {
  return std::make_unique<IndexWorkload>(settings);
}

}  // namespace acre::bench
