import { problemOf } from '../../problems/problem.filter.js';

/** Password attempt that the limits have allowed. It counts as a failure until it succeeds. */
export class PasswordAttempt {
  constructor(
    private readonly succeeded: () => Promise<void>,
    private readonly withdrawn: () => Promise<void>,
  ) {}

  /**
   * Runs the comparison, which throws for wrong credentials. An attempt that an outage prevents (`temporarily_unavailable`) does
   * not count.
   */
  async judge<T>(compare: () => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await compare();
    } catch (error) {
      if (problemOf(error).code === 'temporarily_unavailable') await this.withdrawn();
      throw error;
    }
    await this.succeeded();
    return result;
  }
}
