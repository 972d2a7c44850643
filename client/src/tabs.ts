import type { Reason } from './contract.js';

/** Message between tabs. It never contains a token: each tab asks the server for its own. */
interface TabMessage {
  readonly reason: Reason;
  /** Id of the session that began or ended. */
  readonly sessionId: string | undefined;
}

export const tabsCanTalk = typeof BroadcastChannel !== 'undefined';

/**
 * Joins the channel of this browser's tabs. Returns a function that sends a message. Without BroadcastChannel, a tab
 * detects a change with its next request, or when it becomes visible again.
 */
export function joinTabs(
  name: string,
  onMessage: (message: TabMessage) => void,
): (message: TabMessage) => void {
  if (!tabsCanTalk) return () => {};
  const channel = new BroadcastChannel(name);
  channel.addEventListener('message', ({ data }: MessageEvent<TabMessage>) => onMessage(data));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel belongs to one origin
  return (message) => channel.postMessage(message);
}
