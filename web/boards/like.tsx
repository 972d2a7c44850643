import { useState } from 'react';
import { useLocation } from 'wouter';
import { Failure } from '../../client/src/index.js';
import { failureText } from '../ui/failure-text.js';
import { showToast } from '../ui/toasts.js';
import { useWords } from '../i18n/language.js';
import { useUser } from '../session/session.js';
import { likePost, type Likes, type Post } from './api.js';

/** The button with which one likes a post. It shows at once what was pressed, and takes it back when that fails. */
export function Like({ post, changed }: { readonly post: Post; readonly changed: (likes: Likes) => void }) {
  const { boards } = useWords();
  const user = useUser();
  const [path, navigate] = useLocation();
  const [busy, setBusy] = useState(false);
  const { id, likeCount, likedByMe = false } = post;

  async function press(): Promise<void> {
    if (busy) return;
    if (user === null) return navigate(`/login?next=${encodeURIComponent(path)}`);
    setBusy(true);
    changed({ likedByMe: !likedByMe, likeCount: Math.max(0, likeCount + (likedByMe ? -1 : 1)) });
    try {
      changed(await likePost(id, !likedByMe));
    } catch (error) {
      changed({ likedByMe, likeCount });
      if (!(error instanceof Failure)) throw error;
      showToast({ tone: 'bad', text: (words) => failureText(error, words) });
    } finally {
      setBusy(false);
    }
  }

  return (
    <button
      className={likedByMe ? 'plain like liked' : 'plain like'}
      aria-pressed={likedByMe}
      onClick={() => void press()}
    >
      <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
        <path d="M12 20.500 4.200 12.800a5 5 0 0 1 7-7.100l.8.800.8-.8a5 5 0 0 1 7 7.100z" />
      </svg>
      <span className="unseen">{user === null ? boards.logInToLike : boards.like}</span>
      <span>{likeCount}</span>
    </button>
  );
}
