import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';
import type { Locale } from './profiles.js';

@Entity({ schema: 'profile', name: 'profiles' })
export class Profile {
  /** Account id, without a foreign key: accounts may be in another database. */
  @PrimaryColumn('uuid', { name: 'account_id' })
  id: string;

  @Column('text')
  nickname: string;

  @Column('text', { name: 'avatar_url', nullable: true })
  avatarUrl: string | null;

  @Column('text', { default: '' })
  bio: string;

  @Column('text', { default: 'ko' })
  locale: Locale;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
