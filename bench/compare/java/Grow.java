/** grow: a heap grows to gigabytes of small live objects; no garbage. */
final class Grow {
  private static final int CHAIN_NODES = 4096;
  private static final long NODE_BYTES = 64;

  private Grow() {}

  private static final class Node {
    Node next;
    final long value;
    final long pad0; // these make the node as large as in other programs, and are written as there
    final long pad1;
    final long pad2;
    final long pad3;
    final long pad4;
    final long pad5;

    Node(long i) {
      value = i;
      pad0 = i;
      pad1 = i;
      pad2 = i;
      pad3 = i;
      pad4 = i;
      pad5 = i;
    }
  }

  /** Returns the first of a chain of nodes with the values from first on. */
  private static Node makeChain(long first) {
    Node head = new Node(first);
    Node last = head;
    for (long i = first + 1; i < first + CHAIN_NODES; i++) {
      last.next = new Node(i);
      last = last.next;
    }
    return head;
  }

  private static long walk(Node[] heads) {
    long sum = 0;
    for (Node head : heads) {
      for (Node node = head; node != null; node = node.next) {
        sum = sum * 31 + node.value;
      }
    }
    return sum;
  }

  /** The measured section ends when all is built: reading it is only for the answer. */
  static Outcome run(boolean quick) {
    int n = quick ? 1 << 20 : 1 << 25;
    Clock clock = Clock.start();
    Node[] heads = new Node[n / CHAIN_NODES];
    for (int c = 0; c < heads.length; c++) {
      heads[c] = makeChain((long) c * CHAIN_NODES);
    }
    Clock.Time time = clock.stop();
    return Outcome.of(Hash.fold(Hash.NONE, walk(heads)), time, n * NODE_BYTES);
  }
}
