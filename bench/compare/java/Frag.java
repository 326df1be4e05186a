/**
 * frag: the sizes of new objects change from phase to phase, and chance chooses who goes, so that
 * old objects stay scattered among the holes of others.
 *
 * <p>The live objects are the first of a table from which any can be taken out.
 */
final class Frag {
  private static final int[] BASE_SIZES = {32, 48, 80, 128, 256, 512, 1024, 2048};

  private final long[][] objects;
  private final int[] sizes; // in bytes; an array apart, as other programs need it
  private final long target;
  private final Rng rng = new Rng(5);
  private int count;
  private long live;
  private long peak;
  private long made;
  private long dropped; // sum of the first words of the objects that were dropped

  private Frag(long target) {
    this.target = target;
    int places = (int) (target / BASE_SIZES[0]) + 1;
    objects = new long[places][];
    sizes = new int[places];
  }

  private void add(int size) {
    long[] words = new long[size / 8];
    words[0] = made;
    words[words.length - 1] = made;
    made++;
    objects[count] = words;
    sizes[count] = size;
    count++;
    live += size;
    peak = Math.max(peak, live);
  }

  /** Takes out the object at place x; the last one moves there. */
  private void drop(int x) {
    dropped += objects[x][0];
    live -= sizes[x];
    count--;
    objects[x] = objects[count];
    sizes[x] = sizes[count];
    objects[count] = null;
  }

  private void phase(int base) {
    long allocated = 0;
    while (allocated < target + target / 2) {
      int size = base + 8 * rng.below(base / 8);
      add(size);
      allocated += size;
      while (live > target) {
        drop(rng.below(count));
      }
    }
  }

  static Outcome run(boolean quick) {
    Clock clock = Clock.start();
    Frag frag = new Frag(quick ? 16 << 20 : 256 << 20);
    for (int base : BASE_SIZES) {
      frag.phase(base);
    }
    long h = Hash.foldAll(frag.dropped, frag.live);
    return Outcome.of(h, clock.stop(), frag.peak);
  }
}
