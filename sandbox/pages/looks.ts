import type { ProviderLook } from './consent-page.js';
import { html } from './html.js';

/** Appearance of Google's pages. */
export const GOOGLE_LOOK: ProviderLook = {
  provider: 'google',
  name: { ko: 'Google', en: 'Google' },
  symbol: html`<svg viewBox="0 0 24 24" width="28" height="28" role="img" aria-label="Google">
    <path
      fill="#4285F4"
      d="M22.56 12.25c0-.78-.07-1.53-.2-2.25H12v4.26h5.92a5.06 5.06 0 0 1-2.21 3.31v2.77h3.57c2.08-1.92 3.28-4.74 3.28-8.09z"
    />
    <path
      fill="#34A853"
      d="M12 23c2.97 0 5.46-.98 7.28-2.66l-3.57-2.77c-.98.66-2.23 1.06-3.71 1.06-2.86 0-5.29-1.93-6.16-4.53H2.18v2.84A11 11 0 0 0 12 23z"
    />
    <path fill="#FBBC05" d="M5.84 14.1a6.6 6.6 0 0 1 0-4.2V7.06H2.18a11 11 0 0 0 0 9.88z" />
    <path
      fill="#EA4335"
      d="M12 5.38c1.62 0 3.06.56 4.21 1.64l3.15-3.15A11 11 0 0 0 2.18 7.06L5.84 9.9C6.71 7.3 9.14 5.38 12 5.38z"
    />
  </svg>`,
};

/** Appearance of Kakao's pages. */
export const KAKAO_LOOK: ProviderLook = {
  provider: 'kakao',
  name: { ko: '카카오', en: 'Kakao' },
  symbol: html`<svg viewBox="0 0 24 24" width="32" height="32" role="img" aria-label="Kakao">
    <path
      fill="#000000"
      d="M12 3C6.2 3 1.5 6.66 1.5 11.18c0 2.9 1.95 5.45 4.88 6.9l-.98 3.6c-.09.32.28.58.56.39l4.3-2.85c.57.08 1.15.12 1.74.12 5.8 0 10.5-3.66 10.5-8.16S17.8 3 12 3z"
    />
  </svg>`,
};

/** Appearance of Naver's pages, classic and OIDC. */
export const NAVER_LOOK: ProviderLook = {
  provider: 'naver',
  name: { ko: '네이버', en: 'Naver' },
  symbol: html`<svg viewBox="0 0 24 24" width="24" height="24" role="img" aria-label="Naver">
    <path fill="#FFFFFF" d="M16.27 12.85 7.38 0H0v24h7.73V11.16L16.62 24H24V0h-7.73z" />
  </svg>`,
};
