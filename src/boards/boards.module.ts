import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Board } from './board.entity.js';
import { BoardsController } from './boards.controller.js';
import { BoardsService } from './boards.service.js';
import { Post } from './post.entity.js';
import { PostsController } from './posts.controller.js';
import { PostsService } from './posts.service.js';
import { Seed } from './seed.js';

/** BoardService. Authors' names come through the port `Profiles`; nothing else here knows of another service. */
@Module({
  imports: [TypeOrmModule.forFeature([Board, Post])],
  controllers: [BoardsController, PostsController],
  providers: [BoardsService, PostsService, Seed],
})
export class BoardsModule {}
