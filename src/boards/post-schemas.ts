import { z } from 'zod';
import { pageSchema } from '../http/pagination.js';
import { fieldIssue } from '../problems/field-errors.js';
import { line, visibleText } from '../text/user-text.js';

const title = line(1, 120);
const body = visibleText(1, 20_000).describe(
  'Markdown of 1 to 20000 characters (extended grapheme clusters), kept as written, in Unicode Normalization Form C.',
);

/** Body of `POST /boards/:slug/posts`. */
export const newPost = z
  .strictObject({ title, body })
  .meta({ id: 'NewPost', example: { title: 'Hello', body: 'This is my *first* post.' } });
export type NewPost = z.output<typeof newPost>;

/** Body of `PATCH /posts/:id`: at least one member. */
export const postChanges = z
  .strictObject({ title, body })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, fieldIssue('no_changes', 'must change something'))
  .meta({ id: 'PostChanges', example: { title: 'Hello again' } });
export type PostChanges = z.output<typeof postChanges>;

/** Author of a post or a comment. */
export const author = z
  .object({ id: z.string(), nickname: z.string(), avatarUrl: z.string().nullable() })
  .meta({ id: 'Author' });

/** A post in lists. */
const postSummary = z
  .object({
    id: z.uuid(),
    board: z.string().describe("The board's slug."),
    title: z.string(),
    excerpt: z.string().describe('The beginning of the body, as one line of plain text.'),
    author: author.nullable().describe('null after the account of the author was deleted.'),
    commentCount: z.int(),
    likeCount: z.int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'PostSummary' });
export type PostSummary = z.output<typeof postSummary>;

/** A single post. */
export const post = postSummary
  .extend({
    body: z.string().describe('Markdown, as it was written.'),
    likedByMe: z.boolean().optional().describe('Present if the request has an access token.'),
  })
  .meta({ id: 'Post' });
export type PostResponse = z.output<typeof post>;

export const postPage = pageSchema(postSummary).meta({ id: 'PostPage' });
export type PostPage = z.output<typeof postPage>;

/** Response to a like: the number of likes, and the state of the caller's own like. */
export const like = z.object({ likeCount: z.int(), likedByMe: z.boolean() }).meta({ id: 'Like' });
export type LikeResponse = z.output<typeof like>;
