import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** One proof of one person: who the provider says they are. Keyed by (provider, subject), never by an address. */
@Entity({ schema: 'auth', name: 'identities' })
export class Identity {
  @PrimaryColumn('text')
  provider: string;

  @PrimaryColumn('text')
  subject: string;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** What the provider last said; a hint, not a way to find anyone. */
  @Column('text', { nullable: true })
  email: string | null;

  @Column('text', { name: 'email_verification' })
  emailVerification: 'verified' | 'unverified' | 'unsupported';

  /** What ends the connection at the provider, sealed; null where nothing is needed. */
  @Column('text', { name: 'grant_jwe', nullable: true })
  grantJwe: string | null;

  @CreateDateColumn({ name: 'linked_at', type: 'timestamptz' })
  linkedAt: Date;
}
