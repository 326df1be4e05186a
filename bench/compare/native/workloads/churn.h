// churn: a hash table of constant size, whose entries are replaced at random.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

template <Memory M>
class Churn {
 public:
  static Outcome run(bool quick) {
    const std::size_t entries = quick ? 50'000 : 1'000'000;
    const std::size_t operations = quick ? 200'000 : 5'000'000;
    const std::size_t buckets = std::size_t{1} << (quick ? 16 : 20);
    const Stopwatch watch;
    typename M::Heap heap;
    heap.template declare<Bucket>();
    heap.template declare<Entry>();
    heap.template declare<Value>();
    Mutator memory(heap);
    typename M::template Root<Bucket> root(memory, memory.template make_array<Bucket>(buckets));
    Table table{memory, root.get(), 64 - static_cast<unsigned>(std::countr_zero(buckets))};

    Rng rng(42);
    std::vector<std::uint64_t> keys(entries);
    for (std::uint64_t& key : keys) {
      key = rng.next();
      table.insert(key);
    }
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < operations; ++i) {
      std::uint64_t& key = keys[rng.below(entries)];
      table.remove(key);
      key = rng.next();
      table.insert(key);
      sum += table.lookup(keys[rng.below(entries)]);
    }
    Fold answer;
    answer.add(sum);
    table.drop(buckets);

    const Elapsed elapsed = watch.read();
    return {answer.get(), elapsed, 0, live_bytes(keys, buckets), heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;

  struct Value {
    static constexpr typename M::Layout layout{0};
    typename M::template Ref<Value> next{};
    std::uint64_t payload = 0;

    Value(Value* n, std::uint64_t p) : next(n), payload(p) {}
  };

  struct Entry {
    static constexpr typename M::Layout layout{0, 2};
    typename M::template Ref<Entry> next{};
    std::uint64_t key = 0;
    typename M::template Ref<Value> value{};

    Entry(Entry* n, std::uint64_t k, Value* v) : next(n), key(k), value(v) {}
  };

  using Bucket = Slot<M, Entry>;

  struct Table {
    Mutator& memory;
    Bucket* buckets;
    unsigned shift;

    void insert(std::uint64_t key) {
      Value* value = nullptr;
      for (std::uint64_t c = 0; c <= (key & 3); ++c) {
        value = escape(memory.template make<Value>(value, key + c));
      }
      Bucket& bucket = buckets[key >> shift];
      Entry* first = bucket.ref;
      memory.store(buckets, bucket.ref, escape(memory.template make<Entry>(first, key, value)));
    }

    void remove(std::uint64_t key) {
      Bucket& bucket = buckets[key >> shift];
      Entry* before = nullptr;
      Entry* entry = bucket.ref;
      while (entry->key != key) {
        before = entry;
        entry = entry->next;
      }
      Entry* next = entry->next;
      if (before == nullptr) {
        memory.store(buckets, bucket.ref, next);
      } else {
        memory.store(before, before->next, next);
      }
      drop(entry);
    }

    std::uint64_t lookup(std::uint64_t key) const {
      const Entry* entry = buckets[key >> shift].ref;
      while (entry->key != key) entry = entry->next;
      std::uint64_t sum = 0;
      for (const Value* value = entry->value; value != nullptr; value = value->next) {
        sum += value->payload;
      }
      return sum;
    }

    void drop(Entry* entry) {
      if constexpr (M::kFrees) {
        for (Value* value = entry->value; value != nullptr;) {
          Value* next = value->next;
          memory.drop(value);
          value = next;
        }
        memory.drop(entry);
      }
    }

    void drop(std::size_t count) {
      if constexpr (M::kFrees) {
        for (std::size_t i = 0; i < count; ++i) {
          for (Entry* entry = buckets[i].ref; entry != nullptr;) {
            Entry* next = entry->next;
            drop(entry);
            entry = next;
          }
        }
        memory.drop(buckets);
      }
    }
  };

  // At the end; at any time after the filling it is the same within a few entries in a thousand.
  static std::uint64_t live_bytes(const std::vector<std::uint64_t>& keys, std::size_t buckets) {
    std::uint64_t live = buckets * sizeof(Bucket);
    for (const std::uint64_t key : keys) live += sizeof(Entry) + (1 + (key & 3)) * sizeof(Value);
    return live;
  }
};

}  // namespace acre::compare
