import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** Identity of a user at a provider. Its key is (provider, subject), not the address. */
@Entity({ schema: 'auth', name: 'identities' })
export class Identity {
  @PrimaryColumn('text')
  provider: string;

  @PrimaryColumn('text')
  subject: string;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** Address at the last login, for display only. */
  @Column('text', { nullable: true })
  email: string | null;

  @Column('text', { name: 'email_verification' })
  emailVerification: 'verified' | 'unverified' | 'unsupported';

  /** Sealed {@link ProviderGrant}; null for providers that need none. */
  @Column('text', { name: 'grant_jwe', nullable: true })
  grantJwe: string | null;

  @CreateDateColumn({ name: 'linked_at', type: 'timestamptz' })
  linkedAt: Date;
}
