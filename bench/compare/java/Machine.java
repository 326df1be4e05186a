import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.stream.Collectors;

/** What the virtual machine says about itself. */
final class Machine {
  private static final List<String> COLLECTORS =
      List.of("Serial", "Parallel", "G1", "Shenandoah", "Z", "Epsilon");

  private Machine() {}

  static String version() {
    return System.getProperty("java.vm.name")
        + " "
        + System.getProperty("java.runtime.version")
        + ", "
        + collector()
        + " collector";
  }

  /** All collections, of the young generation too, since the process began. */
  static long collections() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .mapToLong(bean -> Math.max(0, bean.getCollectionCount()))
        .sum();
  }

  private static String collector() {
    for (String name : COLLECTORS) {
      if (flag("Use" + name + "GC")) {
        return name;
      }
    }
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .map(GarbageCollectorMXBean::getName)
        .collect(Collectors.joining("+"));
  }

  private static boolean flag(String name) {
    HotSpotDiagnosticMXBean flags =
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    try {
      return flags.getVMOption(name).getValue().equals("true");
    } catch (IllegalArgumentException notInThisBuild) {
      return false;
    }
  }
}
