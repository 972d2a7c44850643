import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A post on a board. The columns for full-text search are filled and read by the database only. */
@Entity({ schema: 'board', name: 'posts' })
export class Post {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'board_id' })
  boardId: string;

  /** Account id, without a relation: accounts may be in another database. */
  @Column('uuid', { name: 'author_id' })
  authorId: string;

  @Column('text')
  title: string;

  /** Markdown, stored as written. */
  @Column('text')
  body: string;

  /** Derived from the body at every change of it, so that lists need not read bodies. */
  @Column('text')
  excerpt: string;

  /** Incremented by every change of the title or the body. */
  @Column('integer', { default: 1 })
  version: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', precision: 3 })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  updatedAt: Date;
}
