/**
 * Marks of apps with an embedded browser in `User-Agent`. Google answers such browsers with an error page without a way back (403
 * `disallowed_useragent`).
 */
const APPS =
  /\b(KAKAOTALK|KAKAOSTORY|NAVER\(inapp|Instagram|FBAN\/|FBAV\/|FB_IAB|FBIOS|MessengerForiOS|MessengerLiteForiOS|Orca-Android|Zalo |Line\/\d|DaumApps|BAND\/|everytimeapp|Snapchat|TikTok|musical_ly|BytedanceWebview|trill_|Twitter for |Barcelona \d|MicroMessenger|Whale.*inapp|Pinterest\/|LinkedInApp)/i;
/** Mark of the Android WebView. */
const ANDROID_WEBVIEW = /Android.*; wv\)/;

/**
 * Returns true for a browser that is embedded in an app. An unknown one counts as a browser, because a false positive removes a
 * login method, and a false negative leads to the error page of the provider.
 */
export function isEmbeddedBrowser(userAgent = ''): boolean {
  return APPS.test(userAgent) || ANDROID_WEBVIEW.test(userAgent);
}
