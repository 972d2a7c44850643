/**
 * Time (ms) since a moment of this process, by whichever clock says more: the monotonic one may stand still while the machine
 * sleeps, and the wall clock may be set.
 */
export class Elapsed {
  private running = performance.now();
  private wall = Date.now();

  restart(): void {
    this.running = performance.now();
    this.wall = Date.now();
  }

  get ms(): number {
    return Math.max(performance.now() - this.running, Date.now() - this.wall);
  }
}
