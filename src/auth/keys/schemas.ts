import { z } from 'zod';

const publicJwk = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
  kid: z.string().meta({ description: 'The RFC 7638 thumbprint of the key.' }),
  alg: z.literal('ES256'),
  use: z.literal('sig'),
});
export const jwkSet = z.object({ keys: z.array(publicJwk).max(100) }).meta({ id: 'JwkSet' });
