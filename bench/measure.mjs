import { Agent, request } from 'node:http';

export const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Sends a request to a server on loopback. Returns `{ status, headers, body }`. */
export function send(port, path, { method = 'GET', token, body, headers = {}, agent = one } = {}) {
  const json = body === undefined ? undefined : JSON.stringify(body);
  const all = {
    ...headers,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    // Node.js sets no Content-Length for the body of a DELETE request.
    ...(json === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
  };
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers: all, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => (text += piece));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: text }),
      );
    });
    asked.on('error', reject);
    asked.end(json);
  });
}

/** Sends a request to a server on loopback. Returns `{ status, body }`, or throws if it was refused. */
export async function ask(port, path, options = {}) {
  const { status, body } = await send(port, path, options);
  if (status >= 300) throw new Error(`${options.method ?? 'GET'} ${path}: ${status} ${body}`);
  return { status, body };
}
const one = new Agent({ keepAlive: true, maxSockets: 1 });

/** Returns the median duration (ms) of repeated work: at most `times` repetitions, or `most` ms. */
export async function timed(work, { times = 20, most = 1_500 } = {}) {
  const taken = [];
  const begin = performance.now();
  while (taken.length < times && (taken.length < 3 || performance.now() - begin < most)) {
    const start = performance.now();
    await work();
    taken.push(performance.now() - start);
  }
  return median(taken);
}

/**
 * Measures targets in rounds, each target once per round, so that the load of the machine affects all of them. Returns medians,
 * and medians of the ratios to another target in the same round.
 */
export async function inRounds(rounds, targets) {
  const results = targets.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { run, repeat }] of targets.entries()) results[i].push(await timed(run, repeat));
  }
  return targets.map(({ name, against }, i) => {
    const base = results[targets.findIndex((other) => other.name === against)];
    const ratio = base && median(results[i].map((value, round) => value / base[round]));
    return { name, against, ms: median(results[i]), ratio };
  });
}
