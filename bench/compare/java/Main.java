/**
 * The workloads of bench/compare in Java: one a process, one line of JSON on standard output.
 *
 * <p>This file has the command line. Workloads lists what can be run, Outcome and Clock take the
 * figures, Rng and Hash are the arithmetic that all programs of the comparison share; each other
 * class is one workload. The virtual machine and its collector are chosen by who starts it: nothing
 * is tuned here, and what other programs free is here no longer referred to.
 */
final class Main {
  private static final String USAGE =
      """
      usage: java [-XX:OPTION...] -cp FOLDER Main WORKLOAD [--quick]
             java -cp FOLDER Main --version | --list | --help

      Runs one workload and prints its answer, times and collections as one line of JSON.

        --quick    the small size, for tests
        --version  the version of the virtual machine and its collector
        --list     the workloads, one a line
      """;

  private Main() {}

  public static void main(String[] args) {
    // For all threads: one that fails must not leave others waiting for it.
    Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> end(failure));
    System.exit(run(args));
  }

  private static int run(String[] args) {
    if (args.length == 1) {
      switch (args[0]) {
        case "--help":
          return print(USAGE);
        case "--version":
          return print(Machine.version() + "\n");
        case "--list":
          return print(String.join("\n", Workloads.names()) + "\n");
        default:
          break;
      }
    }
    boolean quick = args.length == 2 && args[1].equals("--quick");
    if (args.length != 1 && !quick) {
      System.err.print(USAGE);
      return 2;
    }
    Workload chosen = Workloads.find(args[0]);
    if (chosen == null) {
      System.err.print("Main: no workload '" + args[0] + "'; --list names them\n" + USAGE);
      return 2;
    }
    return print(chosen.run(quick).json());
  }

  private static int print(String text) {
    System.out.print(text);
    if (System.out.checkError()) {
      System.err.println("Main: cannot write the result");
      return 1;
    }
    return 0;
  }

  private static void end(Throwable failure) {
    try {
      if (failure instanceof OutOfMemoryError) {
        System.err.println("Main: out of memory: " + failure.getMessage());
      } else {
        failure.printStackTrace();
      }
    } finally {
      Runtime.getRuntime().halt(1);
    }
  }
}
