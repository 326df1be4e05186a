import java.util.Arrays;

/**
 * strings: short byte buffers without references; one in 16 lives on in a window until another
 * takes its place.
 */
final class ShortStrings {
  private ShortStrings() {}

  /** Returns the sum of the last bytes of all strings made. */
  private static long makeMany(int count, byte[][] window) {
    Rng rng = new Rng(7);
    long sum = 0;
    for (int i = 0; i < count; i++) {
      long r = rng.next();
      int length = 8 + (int) ((r & 255) * (r >>> 8 & 255) * 505 >>> 16);
      byte[] s = new byte[length];
      Arrays.fill(s, (byte) (r >>> 24));
      Words.set(s, 0, i);
      sum += s[length - 1] & 255;
      if ((r >>> 32 & 15) == 0) {
        window[(int) ((r >>> 36) % window.length)] = s;
      }
    }
    return sum;
  }

  static Outcome run(boolean quick) {
    Clock clock = Clock.start();
    byte[][] window = new byte[quick ? 2_000 : 20_000][];
    long h = Hash.fold(Hash.NONE, makeMany(quick ? 500_000 : 20_000_000, window));
    for (byte[] s : window) {
      if (s != null) {
        h = Hash.fold(h, Words.get(s, 0));
      }
    }
    return Outcome.of(h, clock.stop());
  }
}
