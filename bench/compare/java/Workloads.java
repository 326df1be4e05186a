import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** What can be run, in the order of --list. */
final class Workloads {
  private static final Map<String, Workload> BY_NAME = new LinkedHashMap<>();

  static {
    BY_NAME.put("binary_trees", BinaryTrees::run);
    BY_NAME.put("gcbench", GcBench::run);
    BY_NAME.put("churn", Churn::run);
    BY_NAME.put("strings", ShortStrings::run);
    BY_NAME.put("graph", Graph::run);
    BY_NAME.put("list", LinkedNodes::run);
    BY_NAME.put("grow", Grow::run);
    BY_NAME.put("mt_alloc_1", quick -> MtAlloc.run(1, quick));
    BY_NAME.put("mt_alloc_2", quick -> MtAlloc.run(2, quick));
    BY_NAME.put("larson", Larson::run);
    BY_NAME.put("large", Large::run);
    BY_NAME.put("frag", Frag::run);
  }

  private Workloads() {}

  /** Returns null if there is no workload of this name. */
  static Workload find(String name) {
    return BY_NAME.get(name);
  }

  static Set<String> names() {
    return BY_NAME.keySet();
  }
}
