/**
 * list: how long a full collection of a large heap takes, where each object is known only when the
 * one before it has been read.
 */
final class LinkedNodes {
  private static final long NODE_BYTES = 32;

  private LinkedNodes() {}

  private static final class Node {
    final Node next;
    final long value;
    long pad0; // these two make the node as large as in other programs
    long pad1;

    Node(Node next, long value) {
      this.next = next;
      this.value = value;
    }
  }

  private static Node make(int n) {
    Node head = null;
    for (int i = 0; i < n; i++) {
      head = new Node(head, i);
    }
    return head;
  }

  private static long sum(Node head) {
    long sum = 0;
    for (Node node = head; node != null; node = node.next) {
      sum += node.value;
    }
    return sum;
  }

  static Outcome run(boolean quick) {
    int n = quick ? 1 << 20 : 1 << 26;
    Clock building = Clock.start();
    Node head = make(n);
    double setup = building.stop().seconds();
    Clock.Time time = Clock.ofFullCollection();
    long h = Hash.fold(Hash.NONE, sum(head));
    return new Outcome(h, time.seconds(), time.processor(), setup, n * NODE_BYTES);
  }
}
