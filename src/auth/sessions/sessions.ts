import { Injectable, Logger } from '@nestjs/common';
import { Revocations } from '../../access/revocations.js';
import { Problem } from '../../problems/problem.js';
import { AccessTokens } from '../access-tokens.js';
import { RefreshTokens } from './refresh-token.js';
import { RevocationNews } from './revocation-news.js';
import { SessionStore, type EndReason, type NewSession } from './session-store.js';

/** What a client gets when it logs in and at every refresh. */
export interface Tokens {
  /** Goes into the answer's body. */
  readonly accessToken: string;
  /** Goes into the cookie, and nowhere else. */
  readonly refreshToken: string;
}

/** Opens, refreshes and ends sessions. */
@Injectable()
export class Sessions {
  private readonly logger = new Logger(Sessions.name);

  constructor(
    private readonly store: SessionStore,
    private readonly refreshTokens: RefreshTokens,
    private readonly accessTokens: AccessTokens,
    private readonly revocations: Revocations,
    private readonly news: RevocationNews,
  ) {}

  /** Opens a session for an account that has just proved who it is. */
  async open(session: Omit<NewSession, 'id'> & { readonly roles: readonly string[] }): Promise<Tokens> {
    const { handle, sessionId } = this.refreshTokens.create();
    await this.store.open({ ...session, id: sessionId });
    const { accountId, roles } = session;
    return {
      accessToken: this.accessTokens.issue({ accountId, sessionId, roles }),
      refreshToken: this.refreshTokens.mint(handle, 1),
    };
  }

  /**
   * Trades a refresh token for its successor and an access token.
   * @throws {Problem} `refresh_token_invalid` for what we never made, `session_ended` for what is over.
   */
  async refresh(presented: string | undefined): Promise<Tokens> {
    const token = presented === undefined ? undefined : this.refreshTokens.parse(presented);
    if (token === undefined) throw new Problem('refresh_token_invalid');
    const { handle, sessionId, generation } = token;

    const found = await this.store.present(sessionId, generation);
    if (found === undefined || this.revocations.hasEnded(sessionId))
      throw new Problem('session_ended', { reason: 'unknown, ended, or past a limit' });
    const { answer, accountId, roles } = found;
    if (answer === 'reused') {
      this.logger.warn(`refresh token reuse: session ${sessionId} of account ${accountId} has been ended`);
      this.news.tell(sessionId);
      throw new Problem('session_ended', { reason: `generation ${generation} was presented again: reuse` });
    }
    if (roles === undefined) {
      await this.end(sessionId, 'account_disabled');
      throw new Problem('session_ended', { reason: 'the account is disabled' });
    }
    return {
      accessToken: this.accessTokens.issue({ accountId, sessionId, roles }),
      refreshToken: this.refreshTokens.mint(handle, found.generation),
    };
  }

  /** Ends the session behind a refresh token, of whatever generation; anything else has no session to end. */
  async logOut(presented: string | undefined): Promise<void> {
    const token = presented === undefined ? undefined : this.refreshTokens.parse(presented);
    if (token !== undefined) await this.end(token.sessionId, 'logged_out');
  }

  private async end(sessionId: string, reason: EndReason): Promise<void> {
    await this.store.end(sessionId, reason);
    this.news.tell(sessionId);
  }
}
