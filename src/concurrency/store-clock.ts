/**
 * Estimate of a store's clock (ms) from its replies. The estimate is never ahead of the clock, so that a deadline in it is
 * refused too early rather than too late.
 */
export class StoreClock {
  private offset: number | undefined;

  /** Takes the time of the store from a reply that has just arrived. */
  synchronize(time: number): void {
    this.offset = time - performance.now();
  }

  /** Returns the store's time at a moment of `performance.now()`; undefined before the first reply. */
  at(moment: number): number | undefined {
    return this.offset === undefined ? undefined : Math.floor(this.offset + moment);
  }
}
