import { Body, Controller, Delete, Get, Headers, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { OptionalActor, Public } from '../access/access.decorators.js';
import { CurrentActor, type Actor } from '../access/actor.js';
import { Answers, Fails } from '../openapi.js';
import { orNotFound } from '../problems/or-not-found.js';
import { listQuery, type ListQuery } from './cursor.js';
import { etagOf, versionsIn } from './etag.js';
import { PostsService, type Signed } from './posts.service.js';
import {
  newPost,
  post,
  postChanges,
  postPage,
  slug,
  type NewPost,
  type PostChanges,
  type PostSummary,
} from './schemas.js';

type PostAnswer = z.output<typeof post>;
const knownBoard = orNotFound(slug, 'board_not_found');
const knownPost = orNotFound(z.uuid(), 'post_not_found');
const IfMatch = () =>
  ApiHeader({
    name: 'If-Match',
    required: false,
    description: 'The `ETag` that was read: the call fails if the post has changed since.',
  });

/** The posts: everyone reads them, their authors and admins change them. */
@ApiTags('Boards')
@Controller()
export class PostsController {
  constructor(private readonly posts: PostsService) {}

  @Get('boards/:slug/posts')
  @Public()
  @ApiOperation({ summary: 'List the posts of a board', description: 'Newest first.' })
  @Answers(200, postPage, 'A page of posts')
  @Fails('validation_failed', 'board_not_found')
  async list(
    @Param('slug', knownBoard) slug: string,
    @Query({ schema: listQuery }) query: ListQuery,
  ): Promise<z.output<typeof postPage>> {
    const { items, nextCursor } = await this.posts.list(slug, query);
    return { items: items.map(summary), nextCursor };
  }

  @Post('boards/:slug/posts')
  @ApiOperation({ summary: 'Write a post' })
  @Answers(201, post, 'The new post; `Location` says where it is')
  @Fails('validation_failed', 'board_not_found')
  async write(
    @CurrentActor() actor: Actor,
    @Param('slug', knownBoard) slug: string,
    @Body({ schema: newPost }) body: NewPost,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PostAnswer> {
    const written = await this.posts.write(actor, slug, body);
    void reply.header('location', `/posts/${written.post.id}`);
    return give(reply, written, actor);
  }

  @Get('posts/:id')
  @OptionalActor()
  @ApiOperation({ summary: 'Read a post' })
  @Answers(200, post, 'The post; `ETag` names its version')
  @Fails('post_not_found')
  async read(
    @CurrentActor() actor: Actor | undefined,
    @Param('id', knownPost) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PostAnswer> {
    return give(reply, await this.posts.get(id), actor);
  }

  @Patch('posts/:id')
  @IfMatch()
  @ApiOperation({ summary: 'Change a post', description: 'Members that are left out stay.' })
  @Answers(200, post, 'The post as it is now')
  @Fails('validation_failed', 'forbidden', 'post_not_found', 'version_conflict')
  async change(
    @CurrentActor() actor: Actor,
    @Param('id', knownPost) id: string,
    @Body({ schema: postChanges }) changes: PostChanges,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PostAnswer> {
    return give(reply, await this.posts.change(actor, id, changes, versionsIn(ifMatch)), actor);
  }

  @Delete('posts/:id')
  @IfMatch()
  @ApiOperation({ summary: 'Delete a post' })
  @Answers(204, undefined, 'The post is gone')
  @Fails('forbidden', 'post_not_found', 'version_conflict')
  async delete(
    @CurrentActor() actor: Actor,
    @Param('id', knownPost) id: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.posts.delete(actor, id, versionsIn(ifMatch));
  }
}

function give(reply: FastifyReply, signed: Signed, actor: Actor | undefined): PostAnswer {
  const { body, version } = signed.post;
  void reply.header('etag', etagOf(version));
  return { ...summary(signed), body, likedByMe: actor === undefined ? undefined : false };
}

function summary({ post, author }: Signed): PostSummary {
  const { id, board, title, excerpt, commentCount, likeCount, createdAt, updatedAt } = post;
  return {
    id,
    board: board.slug,
    title,
    excerpt,
    author,
    commentCount,
    likeCount,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
