import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

/**
 * larson: two threads replace objects in two arrays and change arrays in each epoch, so that what
 * one of them has made the other drops.
 */
final class Larson {
  private static final int THREADS = 2;
  private static final int SLOTS = 5_000;

  private Larson() {}

  /** Returns the sum of the first words of the objects that were dropped. */
  private static long replaceAtRandom(byte[][] array, Rng rng, long epoch, int operations) {
    long sum = 0;
    for (int op = 0; op < operations; op++) {
      int slot = rng.below(SLOTS);
      byte[] object = new byte[16 + rng.below(497)];
      Words.set(object, 0, (epoch << 32) + op);
      byte[] old = array[slot];
      if (old != null) {
        sum += Words.get(old, 0);
      }
      array[slot] = object;
    }
    return sum;
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (InterruptedException | BrokenBarrierException nobodyInterrupts) {
      throw new IllegalStateException(nobodyInterrupts);
    }
  }

  static Outcome run(boolean quick) {
    int epochs = quick ? 10 : 50;
    int operations = quick ? 20_000 : 200_000;
    Clock clock = Clock.start();
    byte[][][] arrays = new byte[THREADS][SLOTS][];
    CyclicBarrier between = new CyclicBarrier(THREADS);
    long[] sums =
        Parallel.run(
            THREADS,
            t -> {
              Rng rng = new Rng(1000 + t);
              long sum = 0;
              for (int e = 0; e < epochs; e++) {
                sum += replaceAtRandom(arrays[(t + e) % THREADS], rng, e, operations);
                await(between);
              }
              return sum;
            });
    Clock.Time time = clock.stop();
    return Outcome.of(Hash.foldAll(sums), time);
  }
}
