/** Runs the same work on several threads. */
final class Parallel {
  private Parallel() {}

  /** What the thread of this number does, and its result. */
  interface Work {
    long of(int thread);
  }

  /** Returns the results of all threads in order, when the last has ended. */
  static long[] run(int count, Work work) {
    long[] results = new long[count];
    Thread[] threads = new Thread[count];
    for (int t = 0; t < count; t++) {
      int number = t;
      threads[t] = new Thread(() -> results[number] = work.of(number));
      threads[t].start();
    }
    for (Thread thread : threads) {
      join(thread);
    }
    return results;
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException nobodyInterrupts) {
      throw new IllegalStateException(nobodyInterrupts);
    }
  }
}
