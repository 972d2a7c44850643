import { z } from 'zod';
import { pageSchema } from '../http/pagination.js';
import { fieldIssue } from '../problems/field-errors.js';
import { line, optionalText } from '../text/user-text.js';

/** A board's name in paths. */
export const slug = z
  .string()
  .max(40)
  .regex(/^[a-z0-9](-?[a-z0-9])*$/, 'must be small letters and digits, with single hyphens between them');
const title = line(1, 60);
const description = optionalText(500);

/** Body of `POST /boards`. */
export const newBoard = z.strictObject({ slug, title, description: description.default('') }).meta({
  id: 'NewBoard',
  example: { slug: 'free', title: 'Free board', description: 'Talk about anything' },
});
export type NewBoard = z.output<typeof newBoard>;

/** Body of `PATCH /boards/:slug`: at least one member. */
export const boardChanges = z
  .strictObject({ slug, title, description })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, fieldIssue('no_changes', 'must change something'))
  .meta({ id: 'BoardChanges', example: { title: 'Free board' } });
export type BoardChanges = z.output<typeof boardChanges>;

/** A board in responses. */
export const board = z
  .object({
    slug: z.string(),
    title: z.string(),
    description: z.string(),
    postCount: z.int(),
    createdAt: z.iso.datetime(),
  })
  .meta({
    id: 'Board',
    example: {
      slug: 'free',
      title: 'Free board',
      description: 'Talk about anything',
      postCount: 1,
      createdAt: '2026-11-24T09:00:00.000Z',
    },
  });
export type BoardResponse = z.output<typeof board>;

export const boardPage = pageSchema(board).meta({ id: 'BoardPage' });
export type BoardPage = z.output<typeof boardPage>;
