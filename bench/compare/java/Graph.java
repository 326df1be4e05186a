/**
 * graph: how long a full collection of a large heap takes, where marking has much choice of what to
 * do next.
 */
final class Graph {
  private static final int STEPS = 1_000_000;
  private static final long NODE_BYTES = 64;

  private Graph() {}

  /** Fields and not arrays, which would be objects of their own. */
  private static final class Node {
    Node ref0;
    Node ref1;
    Node ref2;
    Node ref3;
    final long payload0;
    long payload1; // these three make the node as large as in other programs
    long payload2;
    long payload3;

    Node(long payload) {
      payload0 = payload;
    }

    Node ref(int k) {
      return switch (k) {
        case 0 -> ref0;
        case 1 -> ref1;
        case 2 -> ref2;
        default -> ref3;
      };
    }
  }

  /** Returns a node that all others can be reached from: the first references are one cycle. */
  private static Node make(int n) {
    Node[] nodes = new Node[n];
    for (int i = 0; i < n; i++) {
      nodes[i] = new Node(i);
    }
    Rng rng = new Rng(3);
    for (int i = 0; i < n; i++) {
      Node node = nodes[i];
      node.ref0 = nodes[(int) Long.remainderUnsigned(i * 0x9E3779B5L + 12345, n)];
      node.ref1 = nodes[rng.below(n)];
      node.ref2 = nodes[rng.below(n)];
      node.ref3 = nodes[rng.below(n)];
    }
    return nodes[0];
  }

  private static long walk(Node from) {
    Node x = from;
    long sum = 0;
    for (int i = 0; i < STEPS; i++) {
      sum = sum * 31 + x.payload0;
      x = x.ref((int) (sum & 3));
    }
    return sum;
  }

  static Outcome run(boolean quick) {
    int n = quick ? 1 << 20 : 1 << 25;
    Clock building = Clock.start();
    Node root = make(n);
    double setup = building.stop().seconds();
    Clock.Time time = Clock.ofFullCollection();
    long h = Hash.fold(Hash.NONE, walk(root));
    return new Outcome(h, time.seconds(), time.processor(), setup, n * NODE_BYTES);
  }
}
