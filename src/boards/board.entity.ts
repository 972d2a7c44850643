import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A place for posts about one thing. */
@Entity({ schema: 'board', name: 'boards' })
export class Board {
  @PrimaryColumn('uuid')
  id: string;

  /** Its name in paths; unique, and may change. */
  @Column('text', { unique: true })
  slug: string;

  @Column('text')
  title: string;

  @Column('text', { default: '' })
  description: string;

  /** Changed in the transaction that makes or deletes a post, and nowhere else. */
  @Column('integer', { name: 'post_count', default: 0 })
  postCount: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', precision: 3 })
  createdAt: Date;
}
