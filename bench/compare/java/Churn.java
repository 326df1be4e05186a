/**
 * churn: a hash table of constant size whose entries are replaced at random. Each entry has a short
 * list of values.
 */
final class Churn {
  // As other programs have them.
  private static final long REFERENCE_BYTES = 8;
  private static final long ENTRY_BYTES = 24;
  private static final long VALUE_BYTES = 16;

  private Churn() {}

  private static final class Value {
    final Value next;
    final long payload;

    Value(Value next, long payload) {
      this.next = next;
      this.payload = payload;
    }
  }

  private static final class Entry {
    Entry next;
    final long key;
    final Value value;

    Entry(Entry next, long key, Value value) {
      this.next = next;
      this.key = key;
      this.value = value;
    }
  }

  /** Takes the upper bits of a key, which is random, as its hash. */
  private static final class Table {
    private final Entry[] buckets;
    private final int shift;

    Table(int size) {
      buckets = new Entry[size];
      shift = Long.SIZE - Integer.numberOfTrailingZeros(size);
    }

    private int bucket(long key) {
      return (int) (key >>> shift);
    }

    void insert(long key) {
      Value values = null;
      for (long c = 0; c <= (key & 3); c++) {
        values = new Value(values, key + c);
      }
      int b = bucket(key);
      buckets[b] = new Entry(buckets[b], key, values);
    }

    void remove(long key) {
      int b = bucket(key);
      Entry entry = buckets[b];
      if (entry.key == key) {
        buckets[b] = entry.next;
        return;
      }
      Entry before = entry;
      for (entry = entry.next; entry.key != key; entry = entry.next) {
        before = entry;
      }
      before.next = entry.next;
    }

    /** Returns the sum of the key's values. */
    long lookup(long key) {
      Entry entry = buckets[bucket(key)];
      while (entry.key != key) {
        entry = entry.next;
      }
      long sum = 0;
      for (Value value = entry.value; value != null; value = value.next) {
        sum += value.payload;
      }
      return sum;
    }

    /** The size of the buckets and of what these keys have in the table. */
    long liveBytes(long[] keys) {
      long live = buckets.length * REFERENCE_BYTES;
      for (long key : keys) {
        live += ENTRY_BYTES + (1 + (key & 3)) * VALUE_BYTES;
      }
      return live;
    }
  }

  private static long[] fill(Table table, int entries, Rng rng) {
    long[] keys = new long[entries];
    for (int i = 0; i < entries; i++) {
      keys[i] = rng.next();
      table.insert(keys[i]);
    }
    return keys;
  }

  /** Returns the sum of what was looked up. */
  private static long replace(Table table, long[] keys, int operations, Rng rng) {
    long sum = 0;
    for (int op = 0; op < operations; op++) {
      int s = rng.below(keys.length);
      table.remove(keys[s]);
      keys[s] = rng.next();
      table.insert(keys[s]);
      sum += table.lookup(keys[rng.below(keys.length)]);
    }
    return sum;
  }

  static Outcome run(boolean quick) {
    Clock clock = Clock.start();
    Rng rng = new Rng(42);
    Table table = new Table(quick ? 1 << 16 : 1 << 20);
    long[] keys = fill(table, quick ? 50_000 : 1_000_000, rng);
    long sum = replace(table, keys, quick ? 200_000 : 5_000_000, rng);
    Clock.Time time = clock.stop();
    return Outcome.of(Hash.fold(Hash.NONE, sum), time, table.liveBytes(keys));
  }
}
