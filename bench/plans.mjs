// Query plans of the server's statements, logged by auto_explain during a request.
import { writeFileSync } from 'node:fs';

/** Settings of a database server whose log can be read by SQL. */
export const LOGGED = {
  logging_collector: 'on',
  log_rotation_size: '0',
  log_line_prefix: '>> ',
  log_parameter_max_length: '200',
};
const EXPLAINING = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_buffers': 'on',
};

/** Plans that read tables. auto_explain also logs functions that the planner evaluates. */
const READS_TABLES = / on (boards|posts|post_counters|comments|likes|counter_changes|profiles)/;

/** Returns true if the server was started with {@link LOGGED}. */
export async function canExplain(db) {
  const { rows } = await db.query('SHOW logging_collector');
  return rows[0].logging_collector === 'on';
}

/** Switches auto_explain on for new connections. */
export async function beginExplaining(db) {
  for (const [name, value] of Object.entries(EXPLAINING))
    await db.query(`ALTER ROLE daemun SET ${name} = '${value}'`);
}

export async function endExplaining(db) {
  for (const name of Object.keys(EXPLAINING)) await db.query(`ALTER ROLE daemun RESET ${name}`);
}

/** Saves the query plans of a request, after warm-up requests. */
export async function savePlans(db, file, title, ask) {
  for (let i = 0; i < 3; i++) await ask();
  await logged();
  const before = await logSize(db);
  await ask();
  await logged();
  const { rows } = await db.query('SELECT pg_read_file(pg_current_logfile(), $1, 10000000) AS text', [
    before,
  ]);
  const plans = rows[0].text
    .split(/^>> /m)
    .filter((entry) => /^LOG: {2}duration:.*plan:/.test(entry) && READS_TABLES.test(entry))
    .map((entry) =>
      entry
        .replace(/^LOG: {2}duration: (\S+) ms {2}plan:/, '-- $1 ms')
        .replaceAll(/^\t/gm, '')
        .replaceAll(/^(Query Text:)?\s*\n/gm, '')
        .trim(),
    );
  writeFileSync(new URL(`plans/${file}.txt`, import.meta.url), `${title}\n\n${plans.join('\n\n')}\n`);
}

async function logSize(db) {
  const { rows } = await db.query('SELECT (pg_stat_file(pg_current_logfile())).size::integer AS size');
  return rows[0].size;
}

/** Waits until the logging collector, which is another process, has written the log. */
function logged() {
  return new Promise((resolve) => setTimeout(resolve, 500));
}
