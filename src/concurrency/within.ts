/** Waits for the work, at most `timeoutMs`. Returns false where it is not done by then. The timer does not keep the process alive. */
export async function within(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const done = work.then(() => true);
  if (timeoutMs === Infinity) return done;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs).unref();
  });
  return Promise.race([done, late]).finally(() => clearTimeout(timer));
}
