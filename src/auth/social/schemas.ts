import { z } from 'zod';
import { reauthentication } from '../reauthentication/schemas.js';

/** Upper limit of providers, and so of identities of an account. */
const MAX_PROVIDERS = 20;

export const providerList = z
  .array(
    z.object({
      id: z.string().meta({ example: 'kakao' }),
      name: z.string().meta({ example: 'Kakao' }),
      loginUrl: z.url().meta({ description: 'Where the button leads; add `?returnTo=`.' }),
      openOutside: z.literal(true).optional().meta({
        description:
          'Set where this browser is embedded in an app, and the provider refuses such browsers: open the page in another one.',
      }),
    }),
  )
  .max(MAX_PROVIDERS)
  .meta({ id: 'ProviderList' });
export type ProviderList = z.output<typeof providerList>;

export const loginMethods = z
  .object({
    identities: z
      .array(
        z.object({
          provider: z.string().meta({ example: 'kakao' }),
          linkedAt: z.iso.datetime(),
          email: z
            .string()
            .optional()
            .meta({ description: 'What the provider last said, for you to tell accounts apart.' }),
        }),
      )
      .max(MAX_PROVIDERS),
    passwordSet: z.boolean().meta({ description: 'True if an address and a password can log in.' }),
  })
  .meta({ id: 'LoginMethods' });
export type LoginMethods = z.output<typeof loginMethods>;

export const linkRequest = reauthentication
  .extend({ returnTo: z.string().max(1_024).optional() })
  .meta({ id: 'LinkRequest', example: { returnTo: '/me' } });
export type LinkRequest = z.output<typeof linkRequest>;

export const unlinkRequest = reauthentication
  .optional()
  .meta({ id: 'UnlinkRequest', description: 'Not needed within ten minutes of logging in.' });
export type UnlinkRequest = z.output<typeof unlinkRequest>;

export const authorizationUrl = z.object({ url: z.url() }).meta({ id: 'AuthorizationUrl' });
export type AuthorizationUrl = z.output<typeof authorizationUrl>;
