import { z } from 'zod';
import { line, text, visibleText } from '../text.js';

/** A board's name in paths. */
export const slug = z
  .string()
  .max(40)
  .regex(/^[a-z0-9](-?[a-z0-9])*$/, 'must be small letters and digits, with single hyphens between them');
const boardTitle = line(1, 60);
const boardDescription = text(0, 500);

/** What an admin writes to make a board. */
export const newBoard = z
  .strictObject({ slug, title: boardTitle, description: boardDescription.default('') })
  .meta({
    id: 'NewBoard',
    example: { slug: 'free', title: 'Free board', description: 'Talk about anything' },
  });
export type NewBoard = z.output<typeof newBoard>;

/** What an admin changes about a board: at least one member. */
export const boardChanges = z
  .strictObject({ slug, title: boardTitle, description: boardDescription })
  .partial()
  .refine(changesSomething, 'must change something')
  .meta({ id: 'BoardChanges', example: { title: 'Free board' } });
export type BoardChanges = z.output<typeof boardChanges>;

/** A board as everyone sees it. */
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

const postTitle = line(1, 120);
const postBody = visibleText(1, 20_000).describe('Markdown, kept exactly as written.');

/** What someone writes to make a post. */
export const newPost = z
  .strictObject({ title: postTitle, body: postBody })
  .meta({ id: 'NewPost', example: { title: 'Hello', body: 'This is my *first* post.' } });
export type NewPost = z.output<typeof newPost>;

/** What the author changes about a post: at least one member. */
export const postChanges = z
  .strictObject({ title: postTitle, body: postBody })
  .partial()
  .refine(changesSomething, 'must change something')
  .meta({ id: 'PostChanges', example: { title: 'Hello again' } });
export type PostChanges = z.output<typeof postChanges>;

const author = z
  .object({ id: z.string(), nickname: z.string(), avatarUrl: z.string().nullable() })
  .meta({ id: 'Author' });

/** A post as lists show it. */
export const postSummary = z
  .object({
    id: z.uuid(),
    board: z.string().describe("The board's slug."),
    title: z.string(),
    excerpt: z.string().describe('The beginning of the body, as one line of plain text.'),
    author: author.nullable().describe('null when the author has left.'),
    commentCount: z.int(),
    likeCount: z.int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'PostSummary' });
export type PostSummary = z.output<typeof postSummary>;

/** A post by itself. */
export const post = postSummary
  .extend({
    body: z.string().describe('Markdown, exactly as it was written.'),
    likedByMe: z.boolean().optional().describe('Only when an access token comes along.'),
  })
  .meta({ id: 'Post' });

/** A page of boards, and one of posts. */
export const boardPage = pageSchema(board).meta({ id: 'BoardPage' });
export const postPage = pageSchema(postSummary).meta({ id: 'PostPage' });

function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe('`?cursor=` of the next page; null on the last.'),
  });
}

function changesSomething(changes: object): boolean {
  return Object.keys(changes).length > 0;
}
