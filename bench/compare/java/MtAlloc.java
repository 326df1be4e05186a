/**
 * mt_alloc: each thread makes small objects of its own, of which the last 1,000 are live.
 */
final class MtAlloc {
  private static final int RING_OBJECTS = 1_000;

  private MtAlloc() {}

  /** Returns the sum of the first words of the objects that were dropped. */
  private static long allocateThroughRing(int thread, int count) {
    long[][] ring = new long[RING_OBJECTS][];
    Rng rng = new Rng(100 + thread);
    long sum = 0;
    for (int i = 0; i < count; i++) {
      int words = 2 * (1 + rng.below(8));
      long[] object = new long[words];
      object[0] = i;
      object[words - 1] = i ^ thread;
      int slot = i % RING_OBJECTS;
      if (ring[slot] != null) {
        sum += ring[slot][0];
      }
      ring[slot] = object;
    }
    return sum;
  }

  static Outcome run(int threads, boolean quick) {
    int count = quick ? 1_000_000 : 30_000_000;
    Clock clock = Clock.start();
    long[] sums = Parallel.run(threads, t -> allocateThroughRing(t, count));
    Clock.Time time = clock.stop();
    return Outcome.of(Hash.foldAll(sums), time);
  }
}
