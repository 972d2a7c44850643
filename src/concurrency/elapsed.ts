/**
 * Elapsed time since the creation or the last restart. It is the longer one by two clocks, because the monotonic clock may stop
 * while the machine is suspended, and the wall clock may be set.
 */
export class Elapsed {
  private monotonic = performance.now();
  private wall = Date.now();

  restart(): void {
    this.monotonic = performance.now();
    this.wall = Date.now();
  }

  get ms(): number {
    return Math.max(performance.now() - this.monotonic, Date.now() - this.wall);
  }
}
