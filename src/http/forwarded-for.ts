import { addressIn } from '../text/ip-address.js';

/**
 * Normalises `X-Forwarded-For` to plain addresses, nearest last. Proxies also write ports and brackets (Azure, IIS), zones
 * and quotes. An element without an address ends the list, because only its proxy could vouch for the elements to its left:
 * the client's address is then that of the proxy.
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
