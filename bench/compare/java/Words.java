import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Words of 8 bytes in an array of bytes, little endian, at any offset. */
final class Words {
  private static final VarHandle VIEW =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private Words() {}

  static long get(byte[] bytes, int at) {
    return (long) VIEW.get(bytes, at);
  }

  static void set(byte[] bytes, int at, long word) {
    VIEW.set(bytes, at, word);
  }
}
