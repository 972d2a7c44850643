import { UAParser } from 'ua-parser-js';

/** What the parser calls otherwise than people do. */
const NAMES: Readonly<Record<string, string>> = {
  KAKAOTALK: 'KakaoTalk',
  NAVER: 'Naver',
  'Mac OS': 'macOS',
  'Chromium OS': 'ChromeOS',
};

/** A device in words, from what the browser said of itself: "Chrome on Windows", "Safari on iPhone". */
export function deviceInWords(userAgent: string | null): string {
  const { browser, device, os } = new UAParser(userAgent ?? '').getResult();
  const name = inWords(browser.name?.replace(/^Mobile /, ''));
  const place = device.model === 'iPhone' || device.model === 'iPad' ? device.model : inWords(os.name);
  if (name === undefined || place === undefined) return name ?? place ?? 'Unknown device';
  return `${name} on ${place}`;
}

function inWords(name: string | undefined): string | undefined {
  return name === undefined ? undefined : (NAMES[name] ?? name);
}
