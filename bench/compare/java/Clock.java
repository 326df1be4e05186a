import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** Measures from start() to stop(). */
final class Clock {
  private static final int TIMED_COLLECTIONS = 2;
  private static final double NANOSECOND = 1e-9;
  private static final OperatingSystemMXBean PROCESS =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  private final long processor;
  private final long wall;

  /** Seconds of a section: by the wall clock, and of all threads. */
  record Time(double seconds, double processor) {}

  private Clock() {
    processor = PROCESS.getProcessCpuTime();
    wall = System.nanoTime();
  }

  static Clock start() {
    return new Clock();
  }

  Time stop() {
    long wallNow = System.nanoTime();
    long processorNow = PROCESS.getProcessCpuTime();
    return new Time((wallNow - wall) * NANOSECOND, (processorNow - processor) * NANOSECOND);
  }

  /**
   * The mean full collection. An untimed one goes before: it clears away what building has left.
   */
  static Time ofFullCollection() {
    System.gc();
    double seconds = 0;
    double processor = 0;
    for (int i = 0; i < TIMED_COLLECTIONS; i++) {
      Clock clock = start();
      System.gc();
      Time time = clock.stop();
      seconds += time.seconds();
      processor += time.processor();
    }
    return new Time(seconds / TIMED_COLLECTIONS, processor / TIMED_COLLECTIONS);
  }
}
