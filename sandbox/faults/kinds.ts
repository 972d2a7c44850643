import { jsonReply, type Reply } from '../http.js';

/** Replaces the reply of an endpoint. */
type Spoil = (reply: Reply) => Reply;

const withBody = (reply: Reply, body: string, contentType?: string): Reply => ({
  ...reply,
  headers: { ...reply.headers, ...(contentType !== undefined && { 'content-type': contentType }) },
  body,
});

/** Sets a member of the JSON body; for Naver's profile in `response`. Kakao's long ids lose precision. */
function withMember(reply: Reply, names: readonly string[], value: unknown): Reply {
  const body = JSON.parse(reply.body) as Record<string, unknown>;
  const inner = body['response'] as Record<string, unknown> | undefined;
  const target = inner ?? body;
  for (const name of names) if (name in target) target[name] = value;
  return withBody(reply, JSON.stringify(body));
}

/** Inserts members before all others, as text, because an object cannot have repeated names or a member `__proto__`. */
const withFirst = (reply: Reply, members: string): Reply =>
  withBody(reply, reply.body.replace(/^\{/, `{${members},`));

const SUBJECT = ['sub', 'id'];

/** Faults that change the reply after the endpoint has done its work. */
export const SPOILERS = {
  'form-encoded': (reply) => {
    const members = Object.entries(JSON.parse(reply.body) as Record<string, unknown>);
    const form = new URLSearchParams(members.map(([name, value]) => [name, String(value)]));
    return withBody(reply, form.toString(), 'application/x-www-form-urlencoded');
  },
  redirect: (reply) => ({ ...reply, status: 302, headers: { ...reply.headers, location: '/' } }),
  'crlf-token': (reply) => withMember(reply, ['access_token'], 'token\r\nx-injected: yes'),
  'object-token': (reply) => withMember(reply, ['access_token'], { a: 1 }),
  'missing-token': (reply) => withMember(reply, ['access_token'], undefined),
  'id-null': (reply) => withMember(reply, SUBJECT, null),
  'id-empty': (reply) => withMember(reply, SUBJECT, ''),
  'id-object': (reply) => withMember(reply, SUBJECT, { a: 1 }),
  'proto-keys': (reply) =>
    withFirst(reply, '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}'),
  'duplicate-keys': (reply) =>
    withFirst(reply, '"access_token":"first","sub":"first","id":1,"response":{"id":"first"}'),
} satisfies Record<string, Spoil>;

/** Faults that reply instead of the endpoint, which is not called. */
export const STAND_INS = {
  null: withBody(jsonReply(200, null), 'null'),
  array: jsonReply(200, []),
  'empty-object': jsonReply(200, {}),
  'bad-json': withBody(jsonReply(200, {}), '{"access_token": "abc", "id": 1,'),
  'error-200': jsonReply(200, { error: 'server_error', error_description: 'sandbox fault' }),
  html: {
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: '<!doctype html><title>점검 중</title><h1>점검 중입니다</h1>',
  },
  '401': jsonReply(401, { error: 'invalid_token', msg: 'sandbox fault', code: -401 }),
  '403': jsonReply(403, { error: 'insufficient_scope', msg: 'insufficient scopes.', code: -402 }),
  '500': jsonReply(500, { error: 'server_error', msg: 'sandbox fault', code: -1 }),
  '503': jsonReply(503, { error: 'temporarily_unavailable', msg: 'sandbox fault', code: -9798 }),
} satisfies Record<string, Reply>;
