import { addressIn } from '../text/ip-address.js';

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
