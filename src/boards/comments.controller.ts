import { Body, Controller, Delete, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public } from '../access/access.decorators.js';
import { CurrentActor, type Actor } from '../access/actor.js';
import { ApiOperation, ApiTags } from '../openapi-decorators.js';
import { Answers, Fails } from '../openapi.js';
import { listQuery, type ListQuery, type Page } from '../paging.js';
import { CountsAs, CurrentRequester, RateLimited } from '../rate-limits/rate-limited.js';
import type { Requester } from '../rate-limits/rate-limits.js';
import { comment, commentPage, newComment, type CommentAnswer, type NewComment } from './comment-schemas.js';
import { CommentsService } from './comments.service.js';
import { Conditional, give } from './conditional.js';
import { IdempotencyKey, TakesIdempotencyKey } from './idempotency-key.js';
import { knownComment, knownPost } from './known.js';

/** The comments: everyone reads them, their authors and admins change them. */
@ApiTags('Boards')
@Controller()
export class CommentsController {
  constructor(private readonly comments: CommentsService) {}

  @Get('posts/:id/comments')
  @Conditional()
  @Public()
  @ApiOperation({ summary: 'List the comments of a post', description: 'Oldest first.' })
  @Answers(200, commentPage, 'A page of comments')
  @Fails('validation_failed', 'post_not_found')
  async list(
    @Param('id', knownPost) id: string,
    @Query({ schema: listQuery }) query: ListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Page<CommentAnswer> | undefined> {
    return give(reply, await this.comments.list(id, query));
  }

  @Post('posts/:id/comments')
  @TakesIdempotencyKey()
  @CountsAs('comment')
  @ApiOperation({ summary: 'Write a comment' })
  @Answers(201, comment, 'The new comment')
  @Fails('validation_failed', 'post_not_found', 'idempotency_key_reused')
  write(
    @CurrentActor() actor: Actor,
    @Param('id', knownPost) id: string,
    @Body({ schema: newComment }) body: NewComment,
    @IdempotencyKey() key: string | undefined,
    @CurrentRequester() requester: Requester,
  ): Promise<CommentAnswer> {
    return this.comments.write(actor, id, body, { key, requester });
  }

  @Patch('comments/:id')
  @RateLimited('edit')
  @ApiOperation({ summary: 'Change a comment' })
  @Answers(200, comment, 'The comment as it is now')
  @Fails('validation_failed', 'forbidden', 'comment_not_found')
  change(
    @CurrentActor() actor: Actor,
    @Param('id', knownComment) id: string,
    @Body({ schema: newComment }) changes: NewComment,
  ): Promise<CommentAnswer> {
    return this.comments.change(actor, id, changes);
  }

  @Delete('comments/:id')
  @RateLimited('edit')
  @ApiOperation({ summary: 'Delete a comment' })
  @Answers(204, undefined, 'The comment is gone')
  @Fails('forbidden', 'comment_not_found')
  async delete(@CurrentActor() actor: Actor, @Param('id', knownComment) id: string): Promise<void> {
    await this.comments.delete(actor, id);
  }
}
