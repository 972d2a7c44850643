import { z } from 'zod';
import type { Faults, FaultRequest } from './faults/faults.js';
import { type Call, jsonReply, mediaType, type Reply } from './http.js';
import type { Journal } from './journal.js';

/** Answers `/control/…`, by which tests in another process steer the sandbox; undefined for any other path. */
export function answerControl(faults: Faults, journal: Journal, call: Call): Reply | undefined {
  if (call.path !== '/control/fault' && call.path !== '/control/requests') return undefined;
  if (isFromWebPage(call)) return jsonReply(403, { error: 'Web pages may not steer the sandbox.' });
  switch (`${call.method} ${call.path}`) {
    case 'POST /control/fault':
      return setFault(faults, call);
    case 'DELETE /control/fault':
      faults.clear();
      return { status: 204, headers: {}, body: '' };
    case 'GET /control/requests':
      return jsonReply(200, journal.list());
    case 'DELETE /control/requests':
      journal.clear();
      return { status: 204, headers: {}, body: '' };
    default:
      return jsonReply(405, { error: 'Method not allowed.' });
  }
}

/** A browser names the origin of whatever a page sends; a program does not. */
function isFromWebPage({ headers }: Call): boolean {
  const site = headers['sec-fetch-site'];
  return headers.origin !== undefined || (site !== undefined && site !== 'none');
}

function setFault(faults: Faults, call: Call): Reply {
  // A form or plain text would reach us from a page without a preflight; JSON does not.
  if (mediaType(call.headers) !== 'application/json')
    return jsonReply(415, { error: 'Send application/json.' });
  try {
    faults.set(JSON.parse(call.body) as FaultRequest);
    return { status: 204, headers: {}, body: '' };
  } catch (error) {
    if (error instanceof z.ZodError) return jsonReply(400, { error: z.prettifyError(error) });
    if (error instanceof SyntaxError || error instanceof RangeError)
      return jsonReply(400, { error: error.message });
    throw error;
  }
}
