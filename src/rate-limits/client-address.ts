import ipaddr from 'ipaddr.js';
import { addressIn } from '../text/ip-address.js';

/** Prefix lengths of a network, by version of IP. */
interface Prefixes {
  readonly v4: number;
  readonly v6: number;
}
/** A subscriber gets a /64 of IPv6 at least, and could otherwise use another address for every attempt. */
const CLIENT: Prefixes = { v4: 32, v6: 64 };
/** IPv6 comes to households by /56 and to companies by /48, so that a client with very many /64s has either. */
const SITE: Prefixes = { v4: 32, v6: 48 };
/** The smallest networks that are routed on their own. */
const ROUTED: Prefixes = { v4: 24, v6: 48 };

/** One client: an IPv4 address, also where it comes as IPv6, or a /64 of IPv6. Text without an address is `unknown`. */
export function clientOf(address: string): string {
  return networkOf(address, CLIENT);
}

/** One household or company: an IPv4 address or a /48 of IPv6. */
export function siteOf(address: string): string {
  return networkOf(address, SITE);
}

/** One routed network: a /24 of IPv4 or a /48 of IPv6. For shares of what all have, not for limits: neighbours share it. */
export function routedNetworkOf(address: string): string {
  return networkOf(address, ROUTED);
}

function networkOf(text: string, { v4, v6 }: Prefixes): string {
  const address = addressIn(text);
  if (address === undefined) return 'unknown';
  const [kind, length] = ipaddr.parse(address).kind() === 'ipv4' ? [ipaddr.IPv4, v4] : [ipaddr.IPv6, v6];
  return kind.networkAddressFromCIDR(`${address}/${length}`).toString();
}
