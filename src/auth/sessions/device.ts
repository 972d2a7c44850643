import { UAParser } from 'ua-parser-js';

/** A device in words, from what the browser said of itself: "Chrome on Windows", "Safari on iPhone". */
export function deviceInWords(userAgent: string | null): string {
  const { browser, device, os } = new UAParser(userAgent ?? '').getResult();
  const name = browser.name?.replace(/^Mobile /, '');
  const place = device.model === 'iPhone' || device.model === 'iPad' ? device.model : os.name;
  if (name === undefined && place === undefined) return 'Unknown device';
  if (name === undefined || place === undefined) return name ?? place ?? '';
  return `${name} on ${place === 'Mac OS' ? 'macOS' : place}`;
}
