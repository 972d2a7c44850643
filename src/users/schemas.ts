import { z } from 'zod';
import { fieldIssue } from '../problems/field-errors.js';
import { nickname, optionalText } from '../text/user-text.js';
import { LOCALES } from './profiles.js';

/** URL of a picture: https only, because the page blocks other schemes; normalised to ASCII. */
const avatarUrl = z.url({ protocol: /^https$/, normalize: true, error: 'must be an https URL' }).max(2_048);
const bio = optionalText(300);
const locale = z.enum(LOCALES);

/** Profile of the caller. */
export const ownProfile = z
  .object({
    id: z.uuid(),
    nickname: z.string(),
    avatarUrl: z.string().nullable(),
    bio: z.string(),
    locale,
    createdAt: z.iso.datetime(),
  })
  .meta({
    id: 'OwnProfile',
    example: {
      id: '01a1f0c8-9c3e-7b52-8f7e-0a4d6c2b1e90',
      nickname: 'Mina',
      avatarUrl: 'https://example.com/avatars/mina.png',
      bio: 'I read more than I write.',
      locale: 'ko',
      createdAt: '2026-11-24T09:00:00.000Z',
    },
  });
export type OwnProfile = z.output<typeof ownProfile>;

/** Profile of another account. */
export const publicProfile = ownProfile.omit({ locale: true, createdAt: true }).meta({ id: 'PublicProfile' });
export type PublicProfile = z.output<typeof publicProfile>;

/** Body of `PATCH /users/me`: at least one member. */
export const profileChanges = z
  .strictObject({ nickname, avatarUrl: avatarUrl.nullable(), bio, locale })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, fieldIssue('no_changes', 'must change something'))
  .meta({ id: 'ProfileChanges', example: { nickname: 'Mina', bio: 'I read more than I write.' } });
export type ProfileChanges = z.output<typeof profileChanges>;
