import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** What someone wrote under a post. */
@Entity({ schema: 'board', name: 'comments' })
export class Comment {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'post_id' })
  postId: string;

  /** The account's id; no relation, since accounts may live in another database. */
  @Column('uuid', { name: 'author_id' })
  authorId: string;

  /** Plain text, exactly as it was written. */
  @Column('text')
  body: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', precision: 3 })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  updatedAt: Date;
}
