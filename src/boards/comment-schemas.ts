import { z } from 'zod';
import { pageSchema } from '../http/pagination.js';
import { visibleText } from '../text/user-text.js';
import { author } from './post-schemas.js';

/** Body of `POST /posts/:id/comments` and `PATCH /comments/:id`. */
export const newComment = z
  .strictObject({
    body: visibleText(1, 2_000).describe(
      'Plain text of 1 to 2000 characters (extended grapheme clusters), kept as written, in Unicode Normalization Form C.',
    ),
  })
  .meta({ id: 'NewComment', example: { body: 'Well said!' } });
export type NewComment = z.output<typeof newComment>;

/** A comment in responses. */
export const comment = z
  .object({
    id: z.uuid(),
    postId: z.uuid(),
    body: z.string().describe('Plain text, as it was written.'),
    author: author.nullable().describe('null after the account of the author was deleted.'),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Comment' });
export type CommentResponse = z.output<typeof comment>;

export const commentPage = pageSchema(comment).meta({ id: 'CommentPage' });
export type CommentPage = z.output<typeof commentPage>;
