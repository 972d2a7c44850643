import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';

/** Request of a provider to the application. */
export interface WebhookRequest {
  method: 'GET' | 'POST';
  /** Query to append to the URL of the webhook; empty for a POST. */
  query: string;
  headers: Record<string, string>;
  body: string | undefined;
}

/** Returns Kakao's unlink notice. Kakao's console selects GET or POST. */
export function kakaoUnlinkNotice(notice: {
  method: 'GET' | 'POST';
  adminKey: string;
  appId: string;
  userId: string;
  referrerType?:
    | 'ACCOUNT_DELETE'
    | 'FORCED_ACCOUNT_DELETE'
    | 'UNLINK_FROM_ADMIN'
    | 'UNLINK_FROM_APPS'
    | 'INCOMPLETE_SIGN_UP';
}): WebhookRequest {
  const members = new URLSearchParams({
    app_id: notice.appId,
    user_id: notice.userId,
    referrer_type: notice.referrerType ?? 'UNLINK_FROM_APPS',
  }).toString();
  const authorization = `KakaoAK ${notice.adminKey}`;
  if (notice.method === 'GET') {
    return { method: 'GET', query: `?${members}`, headers: { authorization }, body: undefined };
  }
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' };
  return { method: 'POST', query: '', headers, body: members };
}

/** Returns Naver's unlink notice: the id is encrypted, and all parameters are signed, both with the client secret. */
export function naverUnlinkNotice(notice: {
  clientId: string;
  clientSecret: string;
  userId: string;
  /** Milliseconds since 1970. */
  now: number;
}): WebhookRequest {
  const key = createHash('md5').update(notice.clientSecret).digest();
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  const encrypted = Buffer.concat([iv, cipher.update(notice.userId, 'utf8'), cipher.final()]);
  const encryptUniqueId = encrypted.toString('base64url');
  const timestamp = String(Math.floor(notice.now / 1000));
  const signedText = `clientId=${notice.clientId}&encryptUniqueId=${encryptUniqueId}&timestamp=${timestamp}`;
  const signature = createHmac('sha256', key).update(signedText).digest('base64url');
  const members = { clientId: notice.clientId, encryptUniqueId, timestamp, signature };
  return {
    method: 'POST',
    query: '',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(members).toString(),
  };
}
