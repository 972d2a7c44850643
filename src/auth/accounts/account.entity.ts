import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A person, as far as logging in goes. What others see of them is the profile, which is not ours. */
@Entity({ schema: 'auth', name: 'accounts' })
export class Account {
  @PrimaryColumn('uuid')
  id: string;

  /** The address to log in with, in lower case. Addresses that only a provider told us stay with the identity. */
  @Column('text', { nullable: true })
  email: string | null;

  @Column('timestamptz', { name: 'email_verified_at', nullable: true })
  emailVerifiedAt: Date | null;

  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash: string | null;

  /**
   * The hash of a password with which the address was registered after it was verified. It never lets anyone in: a log-in
   * with that password answers as it does for an address that waits for verification, so that the answers to a
   * registration and a log-in do not tell which addresses have accounts.
   */
  @Column('text', { name: 'registration_hash', nullable: true })
  registrationHash: string | null;

  /** Time of the last registration of the address: a registration waits for a week. */
  @Column('timestamptz', { name: 'registered_at', nullable: true })
  registeredAt: Date | null;

  /** Registered more than once before anybody verified the address: then nobody knows whose registration is the owner's. */
  @Column('boolean', { name: 'has_several_registrations', default: false })
  hasSeveralRegistrations: boolean;

  @Column('text', { array: true, default: ['user'] })
  roles: string[];

  @Column('text', { default: 'active' })
  status: 'active' | 'disabled' | 'deleted';

  /** What the profile is made from at the first chance; later changes happen there, not here. */
  @Column('text')
  nickname: string;

  @Column('text', { name: 'avatar_url', nullable: true })
  avatarUrl: string | null;

  /** When roles or status last changed: access tokens from before are refused. */
  @Column('timestamptz', { name: 'changed_at', nullable: true })
  changedAt: Date | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
