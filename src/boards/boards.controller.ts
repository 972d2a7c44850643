import { Body, Controller, Delete, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public, Roles } from '../access/access.decorators.js';
import { ApiOperation, ApiTags } from '../openapi-decorators.js';
import { Answers, Fails } from '../openapi.js';
import { listQuery, type ListQuery, type Page } from '../paging.js';
import { RateLimited } from '../rate-limits/rate-limited.js';
import {
  board,
  boardChanges,
  boardPage,
  newBoard,
  type BoardAnswer,
  type BoardChanges,
  type NewBoard,
} from './board-schemas.js';
import { boardAnswer, BoardsService } from './boards.service.js';
import { Conditional, give } from './conditional.js';
import { knownBoard } from './known.js';

/** The boards themselves: everyone reads them, admins look after them. */
@ApiTags('Boards')
@Controller('boards')
export class BoardsController {
  constructor(private readonly boards: BoardsService) {}

  @Get()
  @Conditional()
  @Public()
  @ApiOperation({ summary: 'List the boards', description: 'Oldest first.' })
  @Answers(200, boardPage, 'A page of boards')
  @Fails('validation_failed')
  async list(
    @Query({ schema: listQuery }) query: ListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Page<BoardAnswer> | undefined> {
    return give(reply, await this.boards.list(query));
  }

  @Get(':slug')
  @Conditional()
  @Public()
  @ApiOperation({ summary: 'Read about a board' })
  @Answers(200, board, 'The board')
  @Fails('board_not_found')
  async read(
    @Param('slug', knownBoard) slug: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BoardAnswer | undefined> {
    return give(reply, boardAnswer(await this.boards.get(slug)));
  }

  @Post()
  @Roles('admin')
  @RateLimited('board')
  @ApiOperation({ summary: 'Make a board' })
  @Answers(201, board, 'The new board')
  @Fails('validation_failed', 'forbidden', 'slug_taken')
  async create(
    @Body({ schema: newBoard }) body: NewBoard,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BoardAnswer> {
    const created = await this.boards.create(body);
    void reply.header('location', `/boards/${created.slug}`);
    return boardAnswer(created);
  }

  @Patch(':slug')
  @Roles('admin')
  @RateLimited('board')
  @ApiOperation({ summary: 'Change a board', description: 'Members that are left out stay.' })
  @Answers(200, board, 'The board as it is now')
  @Fails('validation_failed', 'forbidden', 'board_not_found', 'slug_taken')
  async change(
    @Param('slug', knownBoard) slug: string,
    @Body({ schema: boardChanges }) changes: BoardChanges,
  ): Promise<BoardAnswer> {
    return boardAnswer(await this.boards.change(slug, changes));
  }

  @Delete(':slug')
  @Roles('admin')
  @RateLimited('board')
  @ApiOperation({ summary: 'Delete an empty board' })
  @Answers(204, undefined, 'The board is gone')
  @Fails('forbidden', 'board_not_found', 'board_not_empty')
  async delete(@Param('slug', knownBoard) slug: string): Promise<void> {
    await this.boards.delete(slug);
  }
}
