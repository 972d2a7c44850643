import { Body, Controller, Delete, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public, Roles } from '../access/access.decorators.js';
import { ApiOperation, ApiTags } from '../openapi/decorators.js';
import { Returns, ApiProblems } from '../openapi/responses.js';
import { listQuery, type ListQuery, type Page } from '../http/pagination.js';
import { RateLimited } from '../rate-limits/rate-limited.js';
import {
  board,
  boardChanges,
  boardPage,
  newBoard,
  type BoardResponse,
  type BoardChanges,
  type NewBoard,
} from './board-schemas.js';
import { boardResponse, BoardsService } from './boards.service.js';
import { ConditionalGet, sendWithEtag } from '../http/conditional-requests.js';
import { boardSlugParam } from './path-params.js';

/** Boards. Reading needs no account, changing needs the role `admin`. */
@ApiTags('Boards')
@Controller('boards')
export class BoardsController {
  constructor(private readonly boards: BoardsService) {}

  @Get()
  @ConditionalGet()
  @Public()
  @ApiOperation({ summary: 'List the boards', description: 'Oldest first.' })
  @Returns(200, boardPage, 'A page of boards')
  @ApiProblems('validation_failed')
  async list(
    @Query({ schema: listQuery }) query: ListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Page<BoardResponse> | undefined> {
    return sendWithEtag(reply, await this.boards.list(query));
  }

  @Get(':slug')
  @ConditionalGet()
  @Public()
  @ApiOperation({ summary: 'Read a board' })
  @Returns(200, board, 'The board')
  @ApiProblems('board_not_found')
  async read(
    @Param('slug', boardSlugParam) slug: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BoardResponse | undefined> {
    return sendWithEtag(reply, boardResponse(await this.boards.get(slug)));
  }

  @Post()
  @Roles('admin')
  @RateLimited('board')
  @ApiOperation({ summary: 'Create a board' })
  @Returns(201, board, 'The new board')
  @ApiProblems('validation_failed', 'forbidden', 'slug_taken')
  async create(
    @Body({ schema: newBoard }) body: NewBoard,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BoardResponse> {
    const created = await this.boards.create(body);
    void reply.header('location', `/boards/${created.slug}`);
    return boardResponse(created);
  }

  @Patch(':slug')
  @Roles('admin')
  @RateLimited('board')
  @ApiOperation({ summary: 'Change a board', description: 'Members that are left out stay.' })
  @Returns(200, board, 'The board as it is now')
  @ApiProblems('validation_failed', 'forbidden', 'board_not_found', 'slug_taken')
  async change(
    @Param('slug', boardSlugParam) slug: string,
    @Body({ schema: boardChanges }) changes: BoardChanges,
  ): Promise<BoardResponse> {
    return boardResponse(await this.boards.change(slug, changes));
  }

  @Delete(':slug')
  @Roles('admin')
  @RateLimited('board')
  @ApiOperation({ summary: 'Delete an empty board' })
  @Returns(204, undefined, 'The board is gone')
  @ApiProblems('forbidden', 'board_not_found', 'board_not_empty')
  async delete(@Param('slug', boardSlugParam) slug: string): Promise<void> {
    await this.boards.delete(slug);
  }
}
