/**
 * gcbench: trees built from the leaves up and from the root down, beside a long-lived tree and a
 * large array without references.
 */
final class GcBench {
  private static final int MIN_DEPTH = 4;
  private static final long NODE_BYTES = 32;

  private GcBench() {}

  private static final class Node {
    Node left;
    Node right;
    long i; // never read: it makes the node as large as in other programs
    long j;

    Node() {}

    Node(Node left, Node right) {
      this.left = left;
      this.right = right;
    }

    long count() {
      return 1 + (left == null ? 0 : left.count()) + (right == null ? 0 : right.count());
    }
  }

  private static Node makeBottomUp(int depth) {
    if (depth == 0) {
      return new Node();
    }
    Node left = makeBottomUp(depth - 1);
    Node right = makeBottomUp(depth - 1);
    return new Node(left, right);
  }

  private static void populate(int depth, Node node) {
    if (depth > 0) {
      node.left = new Node();
      node.right = new Node();
      populate(depth - 1, node.left);
      populate(depth - 1, node.right);
    }
  }

  private static Node makeTopDown(int depth) {
    Node root = new Node();
    populate(depth, root);
    return root;
  }

  private static double[] makeArray(int size) {
    double[] array = new double[size];
    for (int i = 1; i < size / 2; i++) {
      array[i] = 1.0 / i;
    }
    return array;
  }

  private static long treeSize(int depth) {
    return (2L << depth) - 1;
  }

  /** Makes count trees of each kind. */
  private static void makeMany(int depth, long count) {
    for (long i = 0; i < count; i++) {
      makeTopDown(depth);
    }
    for (long i = 0; i < count; i++) {
      makeBottomUp(depth);
    }
  }

  /** The stretch tree, or what lives later: two trees and the array. */
  private static long liveBytes(int stretch, int maxDepth, int size) {
    long late = 2 * treeSize(maxDepth) * NODE_BYTES + (long) size * Double.BYTES;
    return Math.max(treeSize(stretch) * NODE_BYTES, late);
  }

  static Outcome run(boolean quick) {
    int stretch = quick ? 14 : 20;
    int maxDepth = quick ? 12 : 18; // of the long-lived tree too
    int size = quick ? 100_000 : 4_000_000;

    Clock clock = Clock.start();
    makeBottomUp(stretch);
    Node kept = makeTopDown(maxDepth);
    double[] array = makeArray(size);
    long total = 0;
    for (int d = MIN_DEPTH; d <= maxDepth; d += 2) {
      long iterations = 2 * treeSize(stretch) / treeSize(d);
      makeMany(d, iterations);
      total += 2 * iterations * treeSize(d);
    }
    long h = Hash.foldAll(kept.count(), total, Double.doubleToRawLongBits(array[1000]));
    return Outcome.of(h, clock.stop(), liveBytes(stretch, maxDepth, size));
  }
}
