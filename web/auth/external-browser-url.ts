/**
 * Returns a URL that makes an app open `page` in the default browser; undefined if the app has none. Sources:
 * documentation for developers of Kakao and LINE; Android intents (developer.chrome.com).
 */
export function externalBrowserUrl(page: string, userAgent: string): string | undefined {
  if (/KAKAOTALK/i.test(userAgent)) return `kakaotalk://web/openExternal?url=${encodeURIComponent(page)}`;
  if (/\bLine\/\d/i.test(userAgent)) {
    const url = new URL(page);
    url.searchParams.set('openExternalBrowser', '1');
    return url.href;
  }
  if (!/Android/i.test(userAgent)) return undefined;
  const { host, pathname, search, protocol } = new URL(page);
  const fallback = encodeURIComponent(page);
  return `intent://${host}${pathname}${search}#Intent;scheme=${protocol.slice(0, -1)};package=com.android.chrome;S.browser_fallback_url=${fallback};end`;
}
