/**
 * Apps that show web pages inside themselves, by what they add to `User-Agent`. Google answers such browsers with a page of
 * its own (403 `disallowed_useragent`), which leads nowhere.
 */
const APPS =
  /\b(KAKAOTALK|KAKAOSTORY|NAVER\(inapp|Instagram|FBAN\/|FBAV\/|FB_IAB|FBIOS|MessengerForiOS|MessengerLiteForiOS|Orca-Android|Zalo |Line\/\d|DaumApps|BAND\/|everytimeapp|Snapchat|TikTok|musical_ly|BytedanceWebview|trill_|Twitter for |Barcelona \d|MicroMessenger|Whale.*inapp|Pinterest\/|LinkedInApp)/i;
/** Android marks its WebView; other browsers on Android are none. */
const ANDROID_WEBVIEW = /Android.*; wv\)/;

/**
 * Recognises a browser that is embedded in an app. An unknown one counts as a browser: a false alarm takes a login method
 * from people, a miss leads to the provider's error page.
 */
export function isEmbeddedBrowser(userAgent = ''): boolean {
  return APPS.test(userAgent) || ANDROID_WEBVIEW.test(userAgent);
}
