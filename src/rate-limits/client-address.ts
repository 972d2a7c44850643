import ipaddr from 'ipaddr.js';

/**
 * What counts as one client: an IPv4 address, also where it comes as IPv6, or the /64 that a subscriber gets of IPv6, who
 * could otherwise use another address for every attempt; or a network of another `length`.
 */
export function clientOf(address: string, length = 64): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${length}`).toString();
}
