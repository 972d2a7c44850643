import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** Session of one login on one device. The columns of the refresh protocol (rotation.ts) are not mapped. */
@Entity({ schema: 'auth', name: 'sessions' })
export class Session {
  /** Public id, derived from the handle of the refresh token. The handle cannot be derived from it. */
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** Login method: `google`, `kakao`, `naver`, `password` or `mailed_link`. */
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
