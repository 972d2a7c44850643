import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A board: posts about one topic. */
@Entity({ schema: 'board', name: 'boards' })
export class Board {
  @PrimaryColumn('uuid')
  id: string;

  /** Name of the board in paths; unique, and may change. */
  @Column('text', { unique: true })
  slug: string;

  @Column('text')
  title: string;

  @Column('text', { default: '' })
  description: string;

  /** Changed only in the transaction that creates or deletes a post. */
  @Column('integer', { name: 'post_count', default: 0 })
  postCount: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', precision: 3 })
  createdAt: Date;
}
