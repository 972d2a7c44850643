/** Longer than the `User-Agent` of any browser. */
const MAX_LENGTH = 512;

type Marks = readonly (readonly [mark: RegExp, name: string])[];

/** Browsers, and apps with an embedded browser. The first match counts, because most of them also name Chrome or Safari. */
const BROWSERS: Marks = [
  [/KAKAOTALK/i, 'KakaoTalk'],
  [/NAVER\(inapp/i, 'Naver'],
  [/Instagram/, 'Instagram'],
  [/\bFBA[NV]\/|FB_IAB|FBIOS/, 'Facebook'],
  [/\bLine\//, 'LINE'],
  [/\bWhale\//, 'Whale'],
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOP(?:R|T|iOS)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const SYSTEMS: Marks = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/** Returns a device in words, from a `User-Agent`: "Chrome on Windows", "Safari on iPhone". */
export function describeDevice(userAgent: string | null = ''): string {
  const text = userAgent?.slice(0, MAX_LENGTH) ?? '';
  const [browser, system] = [nameIn(text, BROWSERS), nameIn(text, SYSTEMS)];
  if (browser === undefined || system === undefined) return browser ?? system ?? 'Unknown device';
  return `${browser} on ${system}`;
}

function nameIn(text: string, marks: Marks): string | undefined {
  return marks.find(([mark]) => mark.test(text))?.[1];
}
