/** A SplitMix64 generator: all programs of the comparison draw the same numbers. */
final class Rng {
  private long state;

  Rng(long seed) {
    state = seed;
  }

  long next() {
    state += 0x9E3779B97F4A7C15L;
    long z = state;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }

  /** A number from 0 to n-1, for n below 2^31. */
  int below(int n) {
    return (int) ((next() >>> 32) * n >>> 32);
  }
}
