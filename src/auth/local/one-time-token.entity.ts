import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A link in a mail, until it is used. The token itself is a JWT that only the mail holds. */
@Entity({ schema: 'auth', name: 'one_time_tokens' })
export class OneTimeToken {
  /** SHA-256 of the token's `jti`. */
  @PrimaryColumn('bytea', { name: 'jti_hash' })
  jtiHash: Buffer;

  @Column('text')
  kind: 'verify-email' | 'reset-password';

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** What the registration that sent this mail chose: whoever opens the mail decides whose password counts. */
  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash: string | null;

  @Column('text', { nullable: true })
  nickname: string | null;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'used_at', nullable: true })
  usedAt: Date | null;
}
