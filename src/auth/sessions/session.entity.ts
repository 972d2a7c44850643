import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** One sign-in on one device: the truth about its existence and limits. The refresh protocol's six values live beside it. */
@Entity({ schema: 'auth', name: 'sessions' })
export class Session {
  /** The public session id: derived from the handle in the refresh token, and not enough to make one. */
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** How the person proved who they are: `google`, `kakao`, `naver` or `password`. */
  @Column('text')
  method: string;

  @Column('text', { nullable: true })
  ip: string | null;

  /** Browser and system, such as `Chrome on Windows`. */
  @Column('text')
  device: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;

  @Column('text', { name: 'end_reason', nullable: true })
  endReason: string | null;
}
