import { useMutation } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { failureText } from '../ui/failure-text.js';
import { showToast } from '../ui/toasts.js';
import { useWords } from '../i18n/language.js';
import { useUser } from '../session/session.js';
import { likePost, type Likes, type Post } from './api.js';
import './like.css';

/** The like button. It shows the new state before the response, and the old state again after a failure. */
export function Like({ post, changed }: { readonly post: Post; readonly changed: (likes: Likes) => void }) {
  const { boards } = useWords();
  const user = useUser();
  const [path, navigate] = useLocation();
  const { id, likeCount, likedByMe = false } = post;
  const { mutate, isPending } = useMutation({
    mutationFn: (next: Likes) => likePost(id, next.likedByMe),
    onMutate: (next): Likes => {
      changed(next);
      return { likedByMe, likeCount };
    },
    onSuccess: changed,
    onError: (error, _, before) => {
      if (before !== undefined) changed(before);
      showToast({ tone: 'bad', text: (words) => failureText(error, words) });
    },
  });

  function press(): void {
    if (isPending) return;
    if (user === null) return navigate(`/login?next=${encodeURIComponent(path)}`);
    mutate({ likedByMe: !likedByMe, likeCount: Math.max(0, likeCount + (likedByMe ? -1 : 1)) });
  }

  return (
    <button
      className={likedByMe ? 'plain like liked' : 'plain like'}
      aria-pressed={likedByMe}
      onClick={press}
    >
      <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
        <path d="M12 20.500 4.200 12.800a5 5 0 0 1 7-7.100l.8.800.8-.8a5 5 0 0 1 7 7.100z" />
      </svg>
      <span className="unseen">{user === null ? boards.logInToLike : boards.like}</span>
      <span>{likeCount}</span>
    </button>
  );
}
