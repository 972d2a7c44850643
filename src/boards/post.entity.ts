import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** What someone wrote on a board. Its words, by which it is found, are columns that only the database fills and reads. */
@Entity({ schema: 'board', name: 'posts' })
export class Post {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'board_id' })
  boardId: string;

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

  /** Grows with every change that somebody writes. */
  @Column('integer', { default: 1 })
  version: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', precision: 3 })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  updatedAt: Date;
}
