const WIDTH = 30;

/** Progress bar on one line of a terminal. Without a terminal it writes a line for each tenth. */
export function progressBar(what, total) {
  const start = performance.now();
  const isTerminal = process.stdout.isTTY;
  let done = 0;
  let shown = -1;
  const show = () => {
    const part = done / total;
    const percent = Math.floor(part * (isTerminal ? 100 : 10)) * (isTerminal ? 1 : 10);
    if (percent === shown) return;
    shown = percent;
    const seconds = (performance.now() - start) / 1000;
    const left = part > 0 ? `${Math.round(seconds / part - seconds)} s left` : '';
    const bar = '█'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '░');
    const line = `${bar} ${String(percent).padStart(3)} %  ${done.toLocaleString('en')} ${what}  ${left}`;
    process.stdout.write(isTerminal ? `\r${line}\u001b[K` : `${line}\n`);
  };
  show();
  return {
    add(more) {
      done += more;
      show();
    },
    end() {
      const seconds = (performance.now() - start) / 1000;
      process.stdout.write(
        `${isTerminal ? '\n' : ''}${total.toLocaleString('en')} ${what} in ${seconds.toFixed(1)} s\n`,
      );
    },
  };
}
