import { Body, Controller, Delete, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public } from '../access/access.decorators.js';
import { CurrentActor, type Actor } from '../access/actor.js';
import { ApiOperation, ApiTags } from '../openapi/decorators.js';
import { Returns, ApiProblems } from '../openapi/responses.js';
import { listQuery, type ListQuery, type Page } from '../http/pagination.js';
import { CountsAs, CurrentRateLimitSubject, RateLimited } from '../rate-limits/rate-limited.js';
import type { RateLimitSubject } from '../rate-limits/rate-limits.js';
import {
  comment,
  commentPage,
  newComment,
  type CommentResponse,
  type NewComment,
} from './comment-schemas.js';
import { CommentsService } from './comments.service.js';
import { ConditionalGet, sendWithEtag } from '../http/conditional-requests.js';
import { IdempotencyKey, TakesIdempotencyKey } from '../http/idempotency-key.js';
import { commentIdParam, postIdParam } from './path-params.js';

/** Comments. Reading needs no account, only the author and admins may change a comment. */
@ApiTags('Boards')
@Controller()
export class CommentsController {
  constructor(private readonly comments: CommentsService) {}

  @Get('posts/:id/comments')
  @ConditionalGet()
  @Public()
  @ApiOperation({ summary: 'List the comments of a post', description: 'Oldest first.' })
  @Returns(200, commentPage, 'A page of comments')
  @ApiProblems('validation_failed', 'post_not_found')
  async list(
    @Param('id', postIdParam) id: string,
    @Query({ schema: listQuery }) query: ListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Page<CommentResponse> | undefined> {
    return sendWithEtag(reply, await this.comments.list(id, query));
  }

  @Post('posts/:id/comments')
  @TakesIdempotencyKey()
  @CountsAs('comment')
  @ApiOperation({ summary: 'Write a comment' })
  @Returns(201, comment, 'The new comment')
  @ApiProblems('validation_failed', 'post_not_found', 'idempotency_key_reused')
  write(
    @CurrentActor() actor: Actor,
    @Param('id', postIdParam) id: string,
    @Body({ schema: newComment }) body: NewComment,
    @IdempotencyKey() key: string | undefined,
    @CurrentRateLimitSubject() subject: RateLimitSubject,
  ): Promise<CommentResponse> {
    return this.comments.write(actor, id, body, { key, subject });
  }

  @Patch('comments/:id')
  @RateLimited('edit')
  @ApiOperation({ summary: 'Change a comment' })
  @Returns(200, comment, 'The comment as it is now')
  @ApiProblems('validation_failed', 'forbidden', 'comment_not_found')
  change(
    @CurrentActor() actor: Actor,
    @Param('id', commentIdParam) id: string,
    @Body({ schema: newComment }) changes: NewComment,
  ): Promise<CommentResponse> {
    return this.comments.change(actor, id, changes);
  }

  @Delete('comments/:id')
  @RateLimited('edit')
  @ApiOperation({ summary: 'Delete a comment' })
  @Returns(204, undefined, 'The comment is gone')
  @ApiProblems('forbidden', 'comment_not_found')
  async delete(@CurrentActor() actor: Actor, @Param('id', commentIdParam) id: string): Promise<void> {
    await this.comments.delete(actor, id);
  }
}
