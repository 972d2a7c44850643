import fc, { type Scheduler } from 'fast-check';
import type { Client } from '../../client/src/contract.js';
import { API, problem, tokenOf, tokens } from './client-transport.js';

/** What people do in the tabs of one browser, and what is done to them. */
export type Action = { readonly tab: number } & (
  | { readonly does: 'fetch' | 'refresh' | 'log out' | 'end elsewhere' }
  | { readonly does: 'log in'; readonly as: 'mina' | 'duri' }
);
/** What becomes of a request. */
export type Fate = 'answered' | 'request lost' | 'answer lost' | 'busy';

const TABS = 3;
const tab = fc.nat({ max: TABS - 1 });
const quiet: fc.Arbitrary<Action> = fc.record({
  tab,
  does: fc.constantFrom('fetch' as const, 'refresh' as const, 'end elsewhere' as const),
});
const logIn: fc.Arbitrary<Action> = fc.record({
  tab,
  does: fc.constant('log in' as const),
  as: fc.constantFrom('mina' as const, 'duri' as const),
});
const logOut: fc.Arbitrary<Action> = fc.record({ tab, does: fc.constant('log out' as const) });
/** What each tab does. */
export const anything = fc.array(fc.oneof(quiet, logIn, logOut), { minLength: 1, maxLength: 10 });
/** Nobody logs in but the one who is in from the beginning. */
export const noLogIns = fc.array(fc.oneof(quiet, logOut), { minLength: 1, maxLength: 10 });
export const fates: fc.Arbitrary<Fate[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant('answered' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('request lost' as const, 'answer lost' as const, 'busy' as const),
    },
  ),
  { maxLength: 12 },
);

interface Session {
  readonly id: string;
  readonly user: string;
  ended: boolean;
  /** For how many more requests a log-in has replaced it within the grace. */
  replaced: number;
}

/**
 * One browser with tabs and one cookie, and a server: enough of each for what tabs do to each other. Whatever takes time
 * takes as long as the scheduler says.
 */
export class World {
  /** What must never happen. */
  readonly wrong: string[] = [];
  readonly tabs: Client[];
  private readonly sessions: Session[] = [];
  private cookie: Session | undefined;
  /** Sessions that the browser has had, and has no cookie of any more. */
  private readonly replaced = new Set<string>();
  private readonly channels: Channel[] = [];
  private lock: Promise<unknown> = Promise.resolve();
  private cookieCalls = 0;
  /** Whether nothing gets lost. */
  private readonly spared: boolean;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly fates: Fate[],
    private readonly has: { readonly locks: boolean; readonly channels: boolean },
    createClient: (options: { baseUrl: string; fetch: typeof fetch }) => Client,
  ) {
    World.current = this;
    this.spared = fates.every((fate) => fate === 'answered');
    this.tabs = Array.from({ length: TABS }, () =>
      createClient({ baseUrl: API, fetch: ((request: Request) => this.send(request)) as typeof fetch }),
    );
    for (const tab of this.tabs) this.listen(tab);
  }

  private static current: World;

  /** Gives the clients of this file's worlds what a browser would. */
  static furnish(): void {
    Object.assign(globalThis, {
      BroadcastChannel: class {
        constructor() {
          return World.current.open();
        }
      },
      // The long waits are for waking, which has tests of its own.
      setTimeout: (task: () => void, milliseconds = 0) => {
        if (milliseconds < 10_000) void World.current.takesTime('a pause').then(task);
      },
    });
    Object.defineProperty(globalThis, 'navigator', {
      configurable: true,
      get: () => ({
        locks: World.current.has.locks && { request: World.current.locked.bind(World.current) },
      }),
    });
  }

  /** Someone logs in; then all of it happens, in any order; then everyone asks who is here. */
  async live(history: readonly Action[]): Promise<void> {
    await this.settle([this.perform({ tab: 0, does: 'log in', as: 'mina' })]);
    await this.settle(history.map((action) => this.takesTime('an action').then(() => this.perform(action))));
    const heardAll =
      this.has.channels && this.spared && !history.some(({ does }) => does === 'end elsewhere');
    if (heardAll)
      this.compare(
        this.tabs.filter(({ user }) => user !== undefined),
        'by what they heard',
      );
    this.fates.length = 0;
    await this.settle(this.tabs.map((tab) => tab.refresh()));
    this.compare(this.tabs, 'having asked');
  }

  /** Every tab has to know what is so. */
  private compare(tabs: readonly Client[], how: string): void {
    const truth = this.cookie?.ended === false ? this.cookie.id : undefined;
    const believed = tabs.map(({ user }) => user?.sessionId);
    if (believed.some((id) => id !== truth)) {
      this.wrong.push(`the browser has ${truth}; the tabs have, ${how}, ${believed.join()}`);
    }
  }

  private async settle(all: Promise<unknown>[]) {
    const settled = Promise.allSettled(all);
    await this.scheduler.waitFor(settled);
    do {
      await this.scheduler.waitIdle();
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    } while (this.scheduler.count() > 0);
    return settled;
  }

  private async perform(action: Action): Promise<void> {
    const tab = this.tabs[action.tab];
    if (tab === undefined) return;
    if (action.does === 'refresh') await tab.refresh();
    if (action.does === 'log in') await tab.loginWithPassword(action.as, 'secret');
    if (action.does === 'log out') await tab.logout();
    if (action.does === 'fetch') {
      await tab.fetch('/me', {
        headers: { 'called-by': tab.user?.id ?? 'nobody' },
      });
    }
    if (action.does === 'end elsewhere' && this.cookie !== undefined) this.cookie.ended = true;
  }

  private listen(tab: Client): void {
    let before = tab.user;
    const over = new Set<string>();
    tab.onChange(({ user, reason }) => {
      if (user !== null && over.has(user.sessionId)) this.wrong.push('a session came back from the dead');
      if (user === null && before) over.add(before.sessionId);
      if (user === null && before === null) this.wrong.push(`told twice that nobody is logged in: ${reason}`);
      const ended = this.sessions.find(({ id }) => id === before?.sessionId)?.ended;
      if (user === null && ended === false && !this.replaced.has(before?.sessionId ?? '')) {
        this.wrong.push(`logged out for no reason: ${reason}`);
      }
      before = user;
    });
  }

  private takesTime(what: string): Promise<void> {
    return this.scheduler.schedule(Promise.resolve(), what);
  }

  private async send(request: Request): Promise<Response> {
    const { cookie } = this;
    const changesCookie = request.method === 'POST';
    if (changesCookie && ++this.cookieCalls > 1 && this.has.locks) this.wrong.push('two at a time');
    try {
      await this.takesTime('a request');
      const fate = this.fates.shift() ?? 'answered';
      if (fate === 'request lost') throw new TypeError('Failed to fetch');
      if (fate === 'busy') return problem(503, 'temporarily_unavailable');
      const { response, leaves } = await this.answer(request, cookie);
      await this.takesTime('an answer');
      if (fate === 'answer lost') throw new TypeError('Failed to fetch');
      if (leaves !== 'as it is') {
        if (this.cookie !== undefined && this.cookie !== leaves) this.replaced.add(this.cookie.id);
        this.cookie = leaves;
      }
      return response;
    } finally {
      if (changesCookie) this.cookieCalls--;
    }
  }

  /** What the server says, and which cookie that leaves. */
  private async answer(
    request: Request,
    cookie: Session | undefined,
  ): Promise<{ response: Response; leaves: Session | undefined | 'as it is' }> {
    const { pathname } = new URL(request.url);
    if (pathname === '/auth/login') {
      const { email } = (await request.json()) as { email: string };
      const session = { id: `s${this.sessions.length}`, user: email, ended: false, replaced: 0 };
      this.sessions.push(session);
      if (cookie?.ended === false) Object.assign(cookie, { ended: true, replaced: 3 });
      return { response: tokens(tokenOf(session.user, session.id)), leaves: session };
    }
    const replaced = (cookie?.replaced ?? 0) > 0;
    if (replaced && cookie !== undefined) cookie.replaced--;
    if (pathname === '/auth/logout') {
      if (replaced) return { response: new Response(null, { status: 204 }), leaves: 'as it is' };
      if (cookie !== undefined) cookie.ended = true;
      return { response: new Response(null, { status: 204 }), leaves: undefined };
    }
    if (pathname === '/auth/refresh') {
      if (cookie === undefined)
        return { response: problem(401, 'refresh_token_invalid'), leaves: 'as it is' };
      if (replaced)
        return { response: problem(401, 'session_ended', { 'retry-after': '1' }), leaves: 'as it is' };
      if (cookie.ended) return { response: problem(401, 'session_ended'), leaves: undefined };
      return { response: tokens(tokenOf(cookie.user, cookie.id)), leaves: cookie };
    }
    return { response: this.answerMe(request), leaves: 'as it is' };
  }

  private answerMe(request: Request): Response {
    const [, payload] = request.headers.get('authorization')?.split('.') ?? [];
    if (payload === undefined) return problem(401, 'access_token_missing');
    const { sub, sid } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, string>;
    const caller = request.headers.get('called-by');
    if (caller !== 'nobody' && caller !== sub) {
      this.wrong.push(`${caller} asked, in the name of ${sub}`);
    }
    const session = this.sessions.find(({ id }) => id === sid);
    return session?.ended === false ? new Response('me') : problem(401, 'session_ended');
  }

  private open(): Channel {
    const channel = new Channel((message) => {
      if (/ey|\./.test(JSON.stringify(message))) this.wrong.push('a token was told to other tabs');
      if (!this.has.channels) return;
      for (const other of this.channels) {
        if (other !== channel) other.receive(message, () => this.takesTime('news'));
      }
    });
    this.channels.push(channel);
    return channel;
  }

  private locked<T>(_name: string, _options: unknown, task: () => Promise<T>): Promise<T> {
    const done = this.lock.then(task);
    this.lock = done.catch(() => {});
    return done;
  }
}

/** A BroadcastChannel whose messages take time, and keep their order. */
class Channel {
  private hear: (event: { data: unknown }) => void = () => {};
  private last = Promise.resolve();

  constructor(readonly postMessage: (message: unknown) => void) {}

  addEventListener(_type: string, hear: (event: { data: unknown }) => void): void {
    this.hear = hear;
  }

  receive(data: unknown, takesTime: () => Promise<void>): void {
    this.last = this.last.then(takesTime).then(() => this.hear({ data }));
  }
}
