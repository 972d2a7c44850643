import { Injectable } from '@nestjs/common';
import { Config } from '../config.js';
import type { VerifiedToken } from './access-token.js';

/** A refresh that was under way when the session ended (ms) may issue one more token. */
const UNDER_WAY = 10_000;

/**
 * The sessions that ended while access tokens of theirs are still around. The guard looks here after the signature, so
 * that log-out works at once without a store read. An entry goes when the last token it could concern has expired.
 */
@Injectable()
export class Revocations {
  /** Session id → when the last of its tokens expires (ms), in the order of insertion and so of expiry. */
  private readonly endedSessions = new Map<string, number>();

  constructor(private readonly config: Config) {}

  /** From now on no access token of this session is accepted. */
  endSession(sessionId: string): void {
    const now = Date.now();
    this.forgetExpired(now);
    this.endedSessions.delete(sessionId);
    this.endedSessions.set(sessionId, now + this.config.accessTokenTtl * 1000 + UNDER_WAY);
  }

  /** Whether the session behind this token has ended. */
  covers(token: VerifiedToken): boolean {
    return this.endedSessions.has(token.actor.sessionId);
  }

  private forgetExpired(now: number): void {
    for (const [sessionId, until] of this.endedSessions) {
      if (until > now) return;
      this.endedSessions.delete(sessionId);
    }
  }
}
