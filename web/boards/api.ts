import type { BoardPage, BoardResponse } from '../../src/boards/board-schemas.js';
import type { CommentPage, CommentResponse } from '../../src/boards/comment-schemas.js';
import type {
  LikeResponse,
  NewPost,
  PostPage,
  PostResponse,
  PostSummary,
} from '../../src/boards/post-schemas.js';
import { callApi, callApiAnonymously, callApiWithEtag } from '../session/api.js';
import { dropCachedQueries } from '../session/queries.js';

export type { PostSummary };
export type Board = BoardResponse;
export type Post = PostResponse;
export type Comment = CommentResponse;
export type Likes = LikeResponse;

/** A post, and its version for `If-Match`. */
export interface PostVersion {
  readonly post: Post;
  readonly version: string | undefined;
}

export type Sort = 'latest' | 'popular';

export function listBoards(signal?: AbortSignal): Promise<BoardPage> {
  return callApiAnonymously('/boards?limit=100', { signal });
}

export const boardKey = (slug: string) => ['board', slug] as const;

export function readBoard(slug: string, signal?: AbortSignal): Promise<Board> {
  return callApiAnonymously(`/boards/${encodeURIComponent(slug)}`, { signal });
}

export function listPosts(
  slug: string,
  query: { readonly sort?: Sort; readonly q?: string; readonly cursor?: string; readonly limit?: number },
  signal?: AbortSignal,
): Promise<PostPage> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  return callApiAnonymously(`/boards/${encodeURIComponent(slug)}/posts?${search}`, { signal });
}

export async function readPost(id: string, signal?: AbortSignal): Promise<PostVersion> {
  const { body, version } = await callApiWithEtag<Post>(`/posts/${encodeURIComponent(id)}`, { signal });
  return { post: body, version };
}

/** `key` is the Idempotency-Key, see {@link useIdempotencyKey}. */
export function writePost(slug: string, post: NewPost, key: string): Promise<Post> {
  const headers = { 'idempotency-key': key };
  const path = `/boards/${encodeURIComponent(slug)}/posts`;
  return callApi<Post>(path, { method: 'POST', body: post, headers }).finally(dropCachedQueries);
}

/** @throws {Failure} `version_conflict` if the post has another version by now. */
export function changePost(id: string, changes: NewPost, version: string | undefined): Promise<Post> {
  const headers: Record<string, string> = version === undefined ? {} : { 'if-match': version };
  return callApi<Post>(`/posts/${id}`, { method: 'PATCH', body: changes, headers }).finally(
    dropCachedQueries,
  );
}

export function deletePost(id: string): Promise<void> {
  return callApi<void>(`/posts/${id}`, { method: 'DELETE' }).finally(dropCachedQueries);
}

export function likePost(id: string, like: boolean): Promise<Likes> {
  return callApi(`/posts/${id}/like`, { method: like ? 'PUT' : 'DELETE' });
}

export function listComments(postId: string, cursor?: string, signal?: AbortSignal): Promise<CommentPage> {
  const search = new URLSearchParams(cursor === undefined ? {} : { cursor });
  return callApiAnonymously(`/posts/${encodeURIComponent(postId)}/comments?${search}`, { signal });
}

export function writeComment(postId: string, body: string, key: string): Promise<Comment> {
  const headers = { 'idempotency-key': key };
  return callApi(`/posts/${postId}/comments`, { method: 'POST', body: { body }, headers });
}

export function changeComment(id: string, body: string): Promise<Comment> {
  return callApi(`/comments/${id}`, { method: 'PATCH', body: { body } });
}

export function deleteComment(id: string): Promise<void> {
  return callApi(`/comments/${id}`, { method: 'DELETE' });
}
