#include "bench/growth/index/inverted_index.h"

#include <algorithm>

#include "bench/growth/units.h"

namespace acre::bench {
namespace {

// A segment's share of source text. Smaller: more duplicate terms, quicker to rebuild; larger: fewer units
// to share out and to drop.
constexpr std::uint64_t kMaxRunBytes = 8 * kMiB;
// At least so many segments a part if there are files enough, so that half of them can be dropped.
constexpr std::uint64_t kMinRuns = 4;

std::vector<std::span<const SourceFile>> cut(std::span<const SourceFile> files, unsigned parts) {
  std::uint64_t total = 0;
  for (const SourceFile& file : files) total += file.bytes;
  const std::uint64_t limit =
      std::clamp<std::uint64_t>(total / (kMinRuns * parts), 1, kMaxRunBytes);
  std::vector<std::span<const SourceFile>> runs;
  std::uint64_t bytes = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    bytes += files[i].bytes;
    if (bytes < limit && i + 1 < files.size()) continue;
    runs.push_back(files.subspan(first, i + 1 - first));
    first = i + 1;
    bytes = 0;
  }
  return runs;
}

}  // namespace

InvertedIndex::InvertedIndex(std::span<const SourceFile> files, unsigned parts) : parts_(parts) {
  unsigned next = 0;
  for (const auto& run : cut(files, parts)) parts_[next++ % parts].runs.push_back(run);
}

void InvertedIndex::start(Mutator& mutator) {
  kinds_ = SegmentKinds::register_in(mutator.heap());
  for (Part& part : parts_) {
    void* table = mutator.alloc(part.runs.size() * sizeof(Segment*), kinds_.references);
    part.table = std::make_unique<Root>(mutator, table);
  }
}

bool InvertedIndex::holds(unsigned part, std::size_t position) const {
  return parts_[part].table->get<Segment*>()[position] != nullptr;
}

std::uint64_t InvertedIndex::build(Mutator& mutator, unsigned part, std::size_t position,
                                   FileTally& tally) {
  const auto files = parts_[part].runs[position];
  SegmentBuilder builder(mutator, kinds_, files.size());
  for (const SourceFile& file : files) {
    mutator.poll();
    builder.add_file(file, tally);
  }
  Segment** table = parts_[part].table->get<Segment*>();
  mutator.store(table, &table[position], builder.segment());
  return builder.segment()->bytes;
}

std::uint64_t InvertedIndex::drop(Mutator& mutator, unsigned part, std::size_t position) {
  Segment** table = parts_[part].table->get<Segment*>();
  if (table[position] == nullptr) return 0;
  const std::uint64_t bytes = table[position]->bytes;
  mutator.store(table, &table[position], static_cast<Segment*>(nullptr));
  return bytes;
}

std::uint64_t InvertedIndex::table_bytes() const {
  std::uint64_t bytes = 0;
  for (const Part& part : parts_) bytes += part.runs.size() * sizeof(Segment*);
  return bytes;
}

std::uint64_t InvertedIndex::check(Mutator& mutator, unsigned number) const {
  const Part& part = parts_[number];
  std::uint64_t postings = 0;
  for (std::size_t i = 0; i < part.runs.size(); ++i) {
    mutator.poll();
    const Segment* segment = part.table->get<Segment*>()[i];
    if (segment != nullptr) postings += check_segment(segment);
  }
  return postings;
}

Segment* InvertedIndex::merged(Mutator& mutator) const {
  SegmentBuilder builder(mutator, kinds_, 0);
  for (const Part& part : parts_) {
    for (std::size_t i = 0; i < part.runs.size(); ++i) {
      mutator.poll();
      const Segment* segment = part.table->get<Segment*>()[i];
      if (segment == nullptr) continue;
      for (std::uint64_t at = 0; at < segment->capacity; ++at) {
        const Term* term = segment->table[at];
        if (term != nullptr) builder.add_count(term->text, term->length, term->hash, term->count);
      }
    }
  }
  return builder.segment();
}

void InvertedIndex::for_each(Mutator& mutator,
                             const std::function<void(std::string_view, std::uint64_t)>& fn) const {
  // A handle, because the compiler may keep only an inner pointer of a segment that is used up.
  const Root root(mutator, merged(mutator));
  const Segment* all = root.get<Segment>();
  for (std::uint64_t at = 0; at < all->capacity; ++at) {
    if (const Term* term = all->table[at]) fn(term->name(), term->count);
  }
}

std::vector<InvertedIndex::Count> InvertedIndex::top(Mutator& mutator, std::size_t n) const {
  std::vector<Count> best;
  for_each(mutator, [&](std::string_view name, std::uint64_t count) {
    const auto before = [](const Count& a, const Count& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    };
    Count entry(name, count);
    if (best.size() == n && !before(entry, best.back())) return;
    best.insert(std::lower_bound(best.begin(), best.end(), entry, before), std::move(entry));
    if (best.size() > n) best.pop_back();
  });
  return best;
}

}  // namespace acre::bench
