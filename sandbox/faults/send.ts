import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { type Reply, sendReply } from '../http.js';
import { SPOILERS, STAND_INS } from './kinds.js';

const HUGE_BYTES = 200 * 1024 * 1024;
const SPLIT_PAUSE_MS = 50;

/** Faults of the connection. */
const WIRE_FAULTS = ['hang', 'reset', 'slow', 'truncate', 'split-utf8', 'huge'] as const;

/** Kind of a fault. */
export type FaultKind = (typeof WIRE_FAULTS)[number] | keyof typeof SPOILERS | keyof typeof STAND_INS;

/** Names of all fault kinds. */
export const FAULT_KINDS = [...WIRE_FAULTS, ...keysOf(SPOILERS), ...keysOf(STAND_INS)] as [
  FaultKind,
  ...FaultKind[],
];

/** Responds with a fault. `work` runs the endpoint; some faults never call it, so that the endpoint has no effect. */
export async function sendFault(
  kind: FaultKind,
  delayMs: number,
  work: () => Promise<Reply>,
  response: ServerResponse,
): Promise<void> {
  if (isKeyOf(STAND_INS, kind)) return sendReply(STAND_INS[kind], response);
  if (isKeyOf(SPOILERS, kind)) return sendReply(SPOILERS[kind](await work()), response);
  switch (kind) {
    case 'hang':
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'slow': {
      const reply = await work();
      await wait(delayMs, undefined, { ref: false });
      return sendReply(reply, response);
    }
    case 'truncate':
      return sendTruncated(await work(), response);
    case 'split-utf8':
      return sendSplit(await work(), response);
    case 'huge':
      return sendHuge(await work(), response);
  }
}

/** Sends a complete body with a larger `Content-Length`. Only a client that counts the bytes notices. */
function sendTruncated(reply: Reply, response: ServerResponse): void {
  const bytes = Buffer.from(reply.body);
  response.writeHead(reply.status, { ...reply.headers, 'content-length': bytes.length + 64 });
  response.write(bytes, () => response.destroy());
}

/** Splits the first multi-byte character into two writes, with a pause in between. */
async function sendSplit(reply: Reply, response: ServerResponse): Promise<void> {
  const bytes = Buffer.from(reply.body);
  const cut = bytes.findIndex((byte) => byte > 0x7f) + 1;
  response.socket?.setNoDelay(true);
  response.writeHead(reply.status, { ...reply.headers, 'content-length': bytes.length });
  response.write(bytes.subarray(0, cut));
  await wait(SPLIT_PAUSE_MS, undefined, { ref: false });
  response.end(bytes.subarray(cut));
}

/** Sends the correct members after 200 MB of padding. */
async function sendHuge(reply: Reply, response: ServerResponse): Promise<void> {
  response.writeHead(reply.status, reply.headers);
  const chunk = 'a'.repeat(64 * 1024);
  function* body(): Generator<string> {
    yield '{"padding":"';
    for (let sent = 0; sent < HUGE_BYTES; sent += chunk.length) yield chunk;
    yield `",${reply.body.slice(1)}`;
  }
  await pipeline(Readable.from(body()), response).catch(() => {
    // The client is expected to close the connection.
  });
}

function keysOf<Key extends string>(record: Record<Key, unknown>): Key[] {
  return Object.keys(record) as Key[];
}

function isKeyOf<Key extends string>(record: Record<Key, unknown>, key: string): key is Key {
  return Object.hasOwn(record, key);
}
