import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Returns an IP address in canonical form, without port, brackets, quotes or zone; undefined for any other text. */
export function addressIn(element: string): string | undefined {
  const text = element.trim().replace(/^"(.*)"$/, '$1');
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? [];
  const [, v4 = text] = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text) ?? [];
  const address = (bracketed ?? v4).replace(/%.*$/, '');
  if (isIP(address) === 0 || (bracketed !== undefined && isIP(address) !== 6)) return undefined;
  return ipaddr.process(address).toString();
}
