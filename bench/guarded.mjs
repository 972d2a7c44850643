// Cost of a guarded route without database access, and with an indexed read, relative to a bare node:http server in the same
// rounds. Usage: npm run bench [seconds per measurement] [rounds]
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { startDatabase } from './database.mjs';

const seconds = Number(process.argv[2] ?? 4);
const rounds = Number(process.argv[3] ?? 5);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const database = await startDatabase();
const bare = await start('bare-server.mjs', 3801, {});
const daemun = await start('daemun-server.mjs', 3802, {
  DATABASE_URL: database.url,
  LOG_LEVEL: process.env.LOG_LEVEL ?? 'info',
  AUTH_SECRET: 'a-secret-for-the-benchmark-only-0123456789',
});
try {
  const headers = { authorization: `Bearer ${daemun.token}` };
  const targets = [
    { name: 'bare node:http', url: 'http://127.0.0.1:3801/' },
    { name: 'guarded, no read', url: 'http://127.0.0.1:3802/bench/hello', headers },
    { name: 'guarded, one read', url: 'http://127.0.0.1:3802/users/me', headers },
  ];
  for (const target of targets) await measure(target, 1);
  const perSecond = targets.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, target] of targets.entries()) perSecond[index].push(await measure(target, seconds));
  }
  const [base] = perSecond;
  console.log(`${rounds} rounds of ${seconds} s, 32 connections; database: ${database.name}; medians`);
  for (const [index, { name }] of targets.entries()) {
    const ratio = median(perSecond[index].map((value, round) => value / base[round]));
    console.log(
      `${name.padEnd(20)} ${Math.round(median(perSecond[index])).toString().padStart(7)}/s   ${ratio.toFixed(2)}`,
    );
  }
  console.log(
    `idle memory of the process: ${Math.round(daemun.idleBytes / 1e6)} MB${database.inProcess ? ' (with the embedded database)' : ''}`,
  );
} finally {
  bare.child.kill();
  daemun.child.kill();
  await database.stop();
}

async function measure({ url, headers }, duration) {
  const result = await autocannon({ url, headers, duration, connections: 32 });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} refused, ${result.errors} errors`);
  return result.requests.average;
}

function start(file, port, env) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [String(port), 'idle'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve({ child, ...message }));
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
  });
}
