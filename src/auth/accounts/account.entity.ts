import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** Account of a user: how the user logs in, roles and status. The public profile belongs to ProfileService. */
@Entity({ schema: 'auth', name: 'accounts' })
export class Account {
  @PrimaryColumn('uuid')
  id: string;

  /** Address for logins, in lower case. An address that only a provider knows is in the identity. */
  @Column('text', { nullable: true })
  email: string | null;

  @Column('timestamptz', { name: 'email_verified_at', nullable: true })
  emailVerifiedAt: Date | null;

  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash: string | null;

  /**
   * Password hash of a registration that came after the address was verified. The password does not log in. Its response is
   * that of an unverified address, so that a registration followed by a login does not reveal that the account exists.
   */
  @Column('text', { name: 'registration_hash', nullable: true })
  registrationHash: string | null;

  /** Time of the last registration of the address. A registration expires after a week. */
  @Column('timestamptz', { name: 'registered_at', nullable: true })
  registeredAt: Date | null;

  /** True when the address was registered more than once before it was verified: any of them may be the owner's. */
  @Column('boolean', { name: 'has_several_registrations', default: false })
  hasSeveralRegistrations: boolean;

  @Column('text', { array: true, default: ['user'] })
  roles: string[];

  @Column('text', { default: 'active' })
  status: 'active' | 'disabled' | 'deleted';

  /** First nickname of the profile. Later changes are in the profile alone. */
  @Column('text')
  nickname: string;

  @Column('text', { name: 'avatar_url', nullable: true })
  avatarUrl: string | null;

  /** Time of the last change of roles or status. Access tokens from before are revoked. */
  @Column('timestamptz', { name: 'changed_at', nullable: true })
  changedAt: Date | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
