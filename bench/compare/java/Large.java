/** large: objects of 64 KiB to 16 MiB without references, one word written on each page. */
final class Large {
  private static final int SLOTS = 32;
  private static final int PAGE_BYTES = 4096;

  private final byte[][] objects = new byte[SLOTS][];
  private final Rng rng = new Rng(11);
  private long live;
  private long peak;

  private Large() {}

  private byte[] make(long number) {
    int k = rng.below(9);
    int size = (65536 << k) + 16 * rng.below(4096);
    byte[] object = new byte[size];
    for (int at = 0; at < size - 8; at += PAGE_BYTES) {
      Words.set(object, at, number);
    }
    live += size;
    peak = Math.max(peak, live);
    return object;
  }

  /** Returns the word in the middle of the object that was dropped, or 0. */
  private long put(byte[] object) {
    int slot = rng.below(SLOTS);
    byte[] old = objects[slot];
    objects[slot] = object;
    if (old == null) {
      return 0;
    }
    live -= old.length;
    return Words.get(old, (old.length - 8) / PAGE_BYTES / 2 * PAGE_BYTES);
  }

  private long replaceMany(int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += put(make(i));
    }
    return sum;
  }

  static Outcome run(boolean quick) {
    Clock clock = Clock.start();
    Large large = new Large();
    long sum = large.replaceMany(quick ? 100 : 3_000);
    return Outcome.of(Hash.fold(Hash.NONE, sum), clock.stop(), large.peak);
  }
}
