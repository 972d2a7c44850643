import { z } from 'zod';
import type { Faults, FaultRequest } from './faults/faults.js';
import { type Call, jsonReply, mediaType, type Reply } from './http.js';
import type { Journal } from './journal.js';

/** Responds to `/control/…`, with which tests in another process control the sandbox; undefined for any other path. */
export function handleControl(faults: Faults, journal: Journal, call: Call): Reply | undefined {
  if (call.path !== '/control/fault' && call.path !== '/control/requests') return undefined;
  if (isFromWebPage(call)) return jsonReply(403, { error: 'Web pages may not control the sandbox.' });
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

/** Returns true for a request of a web page. Browsers send its origin, programs do not. */
function isFromWebPage({ headers }: Call): boolean {
  const site = headers['sec-fetch-site'];
  return headers.origin !== undefined || (site !== undefined && site !== 'none');
}

function setFault(faults: Faults, call: Call): Reply {
  // JSON only, because a page can send a form or plain text without a preflight.
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
