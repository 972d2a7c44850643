import type { Reason } from './contract.js';

/** Message between tabs. It never holds a token: each tab asks the server for its own. */
export interface News {
  readonly reason: Reason;
  /** Id of the session that began or ended. */
  readonly sessionId: string | undefined;
}

export const tabsCanTalk = typeof BroadcastChannel !== 'undefined';

/**
 * Joins the channel of this browser's tabs. Returns a function that sends a message. Without BroadcastChannel, a tab
 * learns of a change with its next request, or when it becomes visible again.
 */
export function joinTabs(name: string, hear: (news: News) => void): (news: News) => void {
  if (!tabsCanTalk) return () => {};
  const channel = new BroadcastChannel(name);
  channel.addEventListener('message', ({ data }: MessageEvent<News>) => hear(data));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel belongs to one origin
  return (news) => channel.postMessage(news);
}
