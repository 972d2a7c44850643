import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Token of a mailed link. The token itself is a JWT that only the mail has. */
@Entity({ schema: 'auth', name: 'one_time_tokens' })
export class OneTimeToken {
  /** SHA-256 of the `jti` claim. */
  @PrimaryColumn('bytea', { name: 'jti_hash' })
  jtiHash: Buffer;

  @Column('text')
  kind: 'verify-email' | 'reset-password';

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** Password of the registration that sent the mail. It becomes the account's when the link is opened. */
  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash: string | null;

  @Column('text', { nullable: true })
  nickname: string | null;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'used_at', nullable: true })
  usedAt: Date | null;
}
