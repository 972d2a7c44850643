import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Authors } from './authors.js';
import { Board } from './board.entity.js';
import { BoardsController } from './boards.controller.js';
import { BoardsService } from './boards.service.js';
import { Comment } from './comment.entity.js';
import { CommentsController } from './comments.controller.js';
import { CommentsService } from './comments.service.js';
import { BoardRetention } from './board-retention.js';
import { LikesController } from './likes.controller.js';
import { LikesService } from './likes.service.js';
import { Idempotency } from '../http/idempotency.js';
import { PostLists } from './post-lists.js';
import { PostSearch } from './post-search.js';
import { Post } from './post.entity.js';
import { PostsController } from './posts.controller.js';
import { PostsService } from './posts.service.js';
import { Seed } from './seed.js';
import { WriteTransactions } from '../database/write-transactions.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { UsersModule } from '../users/users.module.js';
import { RateLimits } from '../rate-limits/rate-limits.js';

/** BoardService. Authors come through the port `Profiles`, which is the only dependency on another service. */
@Module({
  imports: [RateLimitsModule, UsersModule, TypeOrmModule.forFeature([Board, Post, Comment])],
  controllers: [BoardsController, PostsController, CommentsController, LikesController],
  providers: [
    BoardsService,
    PostsService,
    PostLists,
    PostSearch,
    CommentsService,
    LikesService,
    Authors,
    {
      provide: Idempotency,
      inject: [DataSource, WriteTransactions, RateLimits],
      useFactory: (dataSource: DataSource, writes: WriteTransactions, limits: RateLimits) =>
        new Idempotency('board', dataSource, writes, limits),
    },
    BoardRetention,
    Seed,
  ],
})
export class BoardsModule {}
