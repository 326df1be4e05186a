import java.util.Locale;

/**
 * What a workload found and took.
 *
 * @param answer the same in all programs
 * @param seconds the measured section by the wall clock, or the median full collection
 * @param processor seconds of all threads, over the same section
 * @param setup seconds of building what is then collected
 * @param liveBytes the peak that the workload knows of, by the sizes that the other programs ask
 *     for; 0 if it does not count
 */
record Outcome(long answer, double seconds, double processor, double setup, long liveBytes) {

  static Outcome of(long answer, Clock.Time time) {
    return of(answer, time, 0);
  }

  static Outcome of(long answer, Clock.Time time, long liveBytes) {
    return new Outcome(answer, time.seconds(), time.processor(), 0, liveBytes);
  }

  /** Also reads the number of collections, so it comes after everything else. */
  String json() {
    return String.format(
        Locale.ROOT,
        "{\"answer\":\"%016x\",\"seconds\":%.9f,\"cpu_seconds\":%.6f,\"setup_seconds\":%.9f,"
            + "\"live_bytes\":%d,\"collections\":%d}\n",
        answer,
        seconds,
        processor,
        setup,
        liveBytes,
        Machine.collections());
  }
}
