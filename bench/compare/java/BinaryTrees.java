/**
 * binary_trees: many short-lived trees beside a long-lived one; two references a node and nothing
 * else.
 */
final class BinaryTrees {
  private static final int MIN_DEPTH = 4;
  private static final long NODE_BYTES = 16;

  private BinaryTrees() {}

  private static final class Node {
    final Node left;
    final Node right;

    Node(Node left, Node right) {
      this.left = left;
      this.right = right;
    }

    int check() {
      return left == null ? 1 : 1 + left.check() + right.check();
    }
  }

  private static Node make(int depth) {
    if (depth == 0) {
      return new Node(null, null);
    }
    Node left = make(depth - 1);
    Node right = make(depth - 1);
    return new Node(left, right);
  }

  private static long checkMany(int depth, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += make(depth).check();
    }
    return sum;
  }

  static Outcome run(boolean quick) {
    int n = quick ? 14 : 20;
    Clock clock = Clock.start();
    long h = Hash.fold(Hash.NONE, make(n + 1).check());
    Node kept = make(n);
    for (int d = MIN_DEPTH; d <= n; d += 2) {
      h = Hash.fold(h, checkMany(d, 1 << n - d + MIN_DEPTH));
    }
    h = Hash.fold(h, kept.check());
    Clock.Time time = clock.stop();
    // The first tree is the largest, and as large as the two that live at the same time later.
    return Outcome.of(h, time, ((4L << n) - 1) * NODE_BYTES);
  }
}
