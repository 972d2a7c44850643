import ipaddr from 'ipaddr.js';
import { addressIn } from '../text/ip-address.js';

/** Prefix lengths of a network. */
interface Prefixes {
  readonly v4: number;
  readonly v6: number;
}
/** A subscriber has a /64 of IPv6 at least, and so an own address for each request. */
const CLIENT: Prefixes = { v4: 32, v6: 64 };
/** Households have a /56 of IPv6, companies a /48. */
const SITE: Prefixes = { v4: 32, v6: 48 };
/** Smallest networks with a route of their own. */
const ROUTED: Prefixes = { v4: 24, v6: 48 };

/** Returns the client: an IPv4 address, also in its IPv6 form, or a /64 of IPv6. Text without an address gives `unknown`. */
export function clientOf(address: string): string {
  return networkOf(address, CLIENT);
}

/** Returns the site, a household or company: an IPv4 address or a /48 of IPv6. */
export function siteOf(address: string): string {
  return networkOf(address, SITE);
}

/** Returns the routed network: a /24 of IPv4 or a /48 of IPv6. For fair queues, not for limits, because neighbours share it. */
export function routedNetworkOf(address: string): string {
  return networkOf(address, ROUTED);
}

function networkOf(text: string, { v4, v6 }: Prefixes): string {
  const address = addressIn(text);
  if (address === undefined) return 'unknown';
  const [kind, length] = ipaddr.parse(address).kind() === 'ipv4' ? [ipaddr.IPv4, v4] : [ipaddr.IPv6, v6];
  return kind.networkAddressFromCIDR(`${address}/${length}`).toString();
}
