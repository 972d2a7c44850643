import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * `X-Forwarded-For` with plain addresses, nearest last. Proxies also write ports and brackets (Azure, IIS), zones, quotes,
 * or no address at all; such an element hides everything to its left, which only its proxy could vouch for, so that the
 * client counts as that proxy.
 */
export function plainForwardedFor(header: string): string {
  const elements = header.split(',');
  const addresses: string[] = [];
  for (const element of elements.toReversed()) {
    const address = addressIn(element);
    if (address === undefined) break;
    addresses.unshift(address);
  }
  return addresses.join(', ');
}

/** An IP address in canonical form, without port, brackets, quotes or zone; undefined for anything else. */
export function addressIn(element: string): string | undefined {
  const text = element.trim().replace(/^"(.*)"$/, '$1');
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? [];
  const [, v4 = text] = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text) ?? [];
  const address = (bracketed ?? v4).replace(/%.*$/, '');
  if (isIP(address) === 0 || (bracketed !== undefined && isIP(address) !== 6)) return undefined;
  return ipaddr.process(address).toString();
}
