/** Folds numbers into the answer, from NONE on. */
final class Hash {
  static final long NONE = 0xcbf29ce484222325L;

  private Hash() {}

  static long fold(long h, long x) {
    return (h ^ x) * 0x100000001B3L;
  }

  static long foldAll(long... values) {
    long h = NONE;
    for (long x : values) {
      h = fold(h, x);
    }
    return h;
  }
}
