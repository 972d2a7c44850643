import { clearHistoryCache } from '../ui/history-cache.js';
import type { Page } from '../ui/use-pages.js';
import type { Person } from '../ui/avatar.js';
import { callApi, callApiAnonymously, callApiWithEtag } from '../session/api.js';

export interface Board {
  readonly slug: string;
  readonly title: string;
  readonly description: string;
  readonly postCount: number;
}

export interface PostSummary {
  readonly id: string;
  readonly board: string;
  readonly title: string;
  readonly excerpt: string;
  readonly author: Person | null;
  readonly commentCount: number;
  readonly likeCount: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface Post extends PostSummary {
  readonly body: string;
  readonly likedByMe?: boolean;
}

/** A post and its version, with which a change says what it changes. */
export interface PostVersion {
  readonly post: Post;
  readonly version: string | undefined;
}

export interface Comment {
  readonly id: string;
  readonly body: string;
  readonly author: Person | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export type Sort = 'latest' | 'popular';

export interface Likes {
  readonly likeCount: number;
  readonly likedByMe: boolean;
}

export function listBoards(signal?: AbortSignal): Promise<Page<Board>> {
  return callApiAnonymously('/boards?limit=100', { signal });
}

export function readBoard(slug: string, signal?: AbortSignal): Promise<Board> {
  return callApiAnonymously(`/boards/${encodeURIComponent(slug)}`, { signal });
}

export function listPosts(
  slug: string,
  query: { readonly sort?: Sort; readonly q?: string; readonly cursor?: string; readonly limit?: number },
  signal?: AbortSignal,
): Promise<Page<PostSummary>> {
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

/** `key` is that of {@link file://./idempotency.ts}. */
export function writePost(slug: string, post: { title: string; body: string }, key: string): Promise<Post> {
  const headers = { 'idempotency-key': key };
  const path = `/boards/${encodeURIComponent(slug)}/posts`;
  return callApi<Post>(path, { method: 'POST', body: post, headers }).finally(clearHistoryCache);
}

/** @throws {Failure} `version_conflict` when it is no longer the version that was read */
export function changePost(
  id: string,
  changes: { title: string; body: string },
  version: string | undefined,
): Promise<Post> {
  const headers: Record<string, string> = version === undefined ? {} : { 'if-match': version };
  return callApi<Post>(`/posts/${id}`, { method: 'PATCH', body: changes, headers }).finally(
    clearHistoryCache,
  );
}

export function deletePost(id: string): Promise<void> {
  return callApi<void>(`/posts/${id}`, { method: 'DELETE' }).finally(clearHistoryCache);
}

export function likePost(id: string, like: boolean): Promise<Likes> {
  return callApi(`/posts/${id}/like`, { method: like ? 'PUT' : 'DELETE' });
}

export function listComments(postId: string, cursor?: string, signal?: AbortSignal): Promise<Page<Comment>> {
  const search = new URLSearchParams(cursor === undefined ? {} : { cursor });
  return callApiAnonymously(`/posts/${encodeURIComponent(postId)}/comments?${search}`, { signal });
}

/** Like {@link writePost}. */
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
