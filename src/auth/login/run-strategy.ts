/** Action that a Passport strategy called, with its argument. `pass` counts as `fail`. */
type StrategyOutcome =
  | { readonly action: 'success'; readonly user: unknown }
  | { readonly action: 'redirect'; readonly url: string }
  | { readonly action: 'fail' };

/** The method of a Passport strategy that `passport.authenticate` calls. */
interface RunnableStrategy<Request, Options> {
  authenticate(request: Request, options: Options): void;
}

/**
 * Runs a Passport strategy for one request, and returns the action that it called. The actions are methods of an object for this
 * request alone, as in `passport.authenticate`. The registry of `passport` is not used, because all applications of a process share it.
 * @throws the error that the strategy reports.
 */
export function runStrategy<Request, Options>(
  strategy: RunnableStrategy<Request, Options>,
  request: Request,
  options: Options,
): Promise<StrategyOutcome> {
  return new Promise((resolve, reject) => {
    const fail = (): void => resolve({ action: 'fail' });
    const run = Object.assign(Object.create(strategy) as typeof strategy, {
      success: (user: unknown) => resolve({ action: 'success', user }),
      redirect: (url: string) => resolve({ action: 'redirect', url }),
      error: reject,
      fail,
      pass: fail,
    });
    run.authenticate(request, options);
  });
}
