/** Something to run, at its full size or at the quick one. */
interface Workload {
  Outcome run(boolean quick);
}
