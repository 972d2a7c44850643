/**
 * A server's clock as seen from here: never ahead of what it really is, so that what has to be done by a certain time is
 * rather refused than done too late. By `performance.now()`, in ms.
 */
export class StoreClock {
  private offset: number | undefined;

  /** An answer has just come in which the server says what time it was. */
  synchronize(time: number): void {
    this.offset = time - performance.now();
  }

  /** What it shows at some moment of ours; undefined as long as nothing was heard. */
  at(moment: number): number | undefined {
    return this.offset === undefined ? undefined : Math.floor(this.offset + moment);
  }
}
