import { Body, Controller, Delete, Get, Headers, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { OptionalActor } from '../access/access.decorators.js';
import { CurrentActor, type Actor } from '../access/actor.js';
import { ApiHeader, ApiOperation, ApiTags } from '../openapi/decorators.js';
import { Returns, ApiProblems } from '../openapi/responses.js';
import { CountsAs, CurrentRateLimitSubject, RateLimited } from '../rate-limits/rate-limited.js';
import type { RateLimitSubject } from '../rate-limits/rate-limits.js';
import { ConditionalGet, sendWithEtag, setEtag, versionsIn } from '../http/conditional-requests.js';
import { IdempotencyKey, TakesIdempotencyKey } from '../http/idempotency-key.js';
import { boardSlugParam, postIdParam } from './path-params.js';
import { PostLists } from './post-lists.js';
import { isSearch, postQuery, type PostQuery } from './post-query.js';
import {
  newPost,
  post,
  postChanges,
  postPage,
  type NewPost,
  type PostResponse,
  type PostChanges,
  type PostPage,
} from './post-schemas.js';
import { PostsService } from './posts.service.js';

const IfMatch = () =>
  ApiHeader({
    name: 'If-Match',
    required: false,
    description: 'The `ETag` of an earlier response: the call fails if the post has changed since.',
  });

/** Posts. Reading needs no account, only the author and admins may change a post. */
@ApiTags('Boards')
@Controller()
export class PostsController {
  constructor(
    private readonly posts: PostsService,
    private readonly lists: PostLists,
  ) {}

  @Get('boards/:slug/posts')
  @ConditionalGet()
  @OptionalActor()
  @ApiOperation({
    summary: 'List or search the posts of a board',
    description:
      '`latest` lists the newest first. `popular` counts a post as a day younger for each doubling of its likes and comments; ' +
      'later pages continue from the state of the first page, for an hour and 2,000 likes and comments. With `q`, posts that ' +
      'match in the title come first, then posts that match in the body, each newest first. Searches are limited per account ' +
      'or anonymous client, and per network, and answer 503 with `Retry-After` while too many run.',
  })
  @RateLimited('search', isSearch)
  @Returns(200, postPage, 'A page of posts')
  @ApiProblems('validation_failed', 'board_not_found', 'temporarily_unavailable')
  async list(
    @Param('slug', boardSlugParam) slug: string,
    @Query({ schema: postQuery }) query: PostQuery,
    @CurrentRateLimitSubject() { address }: RateLimitSubject,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PostPage | undefined> {
    return sendWithEtag(reply, await this.lists.list(slug, query, address));
  }

  @Post('boards/:slug/posts')
  @TakesIdempotencyKey()
  @CountsAs('post')
  @ApiOperation({ summary: 'Write a post' })
  @Returns(201, post, 'The new post; `Location` is its path')
  @ApiProblems('validation_failed', 'board_not_found', 'idempotency_key_reused')
  async write(
    @CurrentActor() actor: Actor,
    @Param('slug', boardSlugParam) slug: string,
    @Body({ schema: newPost }) body: NewPost,
    @IdempotencyKey() key: string | undefined,
    @CurrentRateLimitSubject() subject: RateLimitSubject,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PostResponse> {
    const { post, version } = await this.posts.write(actor, slug, body, { key, subject });
    void reply.header('location', `/posts/${post.id}`);
    setEtag(reply, post, version);
    return post;
  }

  @Get('posts/:id')
  @ConditionalGet()
  @OptionalActor()
  @ApiOperation({ summary: 'Read a post' })
  @Returns(200, post, 'The post, with its `ETag`')
  @ApiProblems('post_not_found')
  async read(
    @CurrentActor() actor: Actor | undefined,
    @Param('id', postIdParam) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PostResponse | undefined> {
    const { post, version } = await this.posts.get(actor, id);
    return sendWithEtag(reply, post, version);
  }

  @Patch('posts/:id')
  @IfMatch()
  @RateLimited('edit')
  @ApiOperation({ summary: 'Change a post', description: 'Members that are left out stay.' })
  @Returns(200, post, 'The post as it is now')
  @ApiProblems('validation_failed', 'forbidden', 'post_not_found', 'version_conflict')
  async change(
    @CurrentActor() actor: Actor,
    @Param('id', postIdParam) id: string,
    @Body({ schema: postChanges }) changes: PostChanges,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PostResponse> {
    const { post, version } = await this.posts.change(actor, id, changes, versionsIn(ifMatch));
    setEtag(reply, post, version);
    return post;
  }

  @Delete('posts/:id')
  @IfMatch()
  @RateLimited('edit')
  @ApiOperation({ summary: 'Delete a post', description: 'With its comments and likes.' })
  @Returns(204, undefined, 'The post is gone')
  @ApiProblems('forbidden', 'post_not_found', 'version_conflict')
  async delete(
    @CurrentActor() actor: Actor,
    @Param('id', postIdParam) id: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.posts.delete(actor, id, versionsIn(ifMatch));
  }
}
