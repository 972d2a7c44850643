import { Column, CreateDateColumn, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Board } from './board.entity.js';

/** What someone wrote on a board. */
@Entity({ schema: 'board', name: 'posts' })
export class Post {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'board_id' })
  boardId: string;

  @ManyToOne(() => Board)
  @JoinColumn({ name: 'board_id' })
  board: Board;

  /** The account's id; no relation, since accounts may live in another database. */
  @Column('uuid', { name: 'author_id' })
  authorId: string;

  @Column('text')
  title: string;

  /** Markdown, exactly as it was written. */
  @Column('text')
  body: string;

  /** Made from the body whenever that changes, so that a list need not read bodies. */
  @Column('text')
  excerpt: string;

  @Column('integer', { name: 'comment_count', default: 0 })
  commentCount: number;

  @Column('integer', { name: 'like_count', default: 0 })
  likeCount: number;

  /**
   * Grows with every change that somebody writes. Neither TypeORM's version column nor its update date, because those
   * grow with the counters, too: a like would then refuse the author's change.
   */
  @Column('integer', { default: 1 })
  version: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', precision: 3 })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  updatedAt: Date;
}
