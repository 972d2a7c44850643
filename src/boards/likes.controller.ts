import { Controller, Delete, Param, Put } from '@nestjs/common';
import { CurrentActor, type Actor } from '../access/actor.js';
import { ApiOperation, ApiTags } from '../openapi/decorators.js';
import { Returns, ApiProblems } from '../openapi/responses.js';
import { RateLimited } from '../rate-limits/rate-limited.js';
import { postIdParam } from './path-params.js';
import { LikesService } from './likes.service.js';
import { like, type LikeResponse } from './post-schemas.js';

/** Likes. Both operations are idempotent. */
@ApiTags('Boards')
@Controller('posts/:id/like')
@ApiProblems('post_not_found')
export class LikesController {
  constructor(private readonly likes: LikesService) {}

  @Put()
  @RateLimited('like')
  @ApiOperation({ summary: 'Like a post' })
  @Returns(200, like, 'The number of likes after the call')
  like(@CurrentActor() actor: Actor, @Param('id', postIdParam) id: string): Promise<LikeResponse> {
    return this.likes.like(actor, id);
  }

  @Delete()
  @RateLimited('like')
  @ApiOperation({ summary: 'Remove a like' })
  @Returns(200, like, 'The number of likes after the call')
  unlike(@CurrentActor() actor: Actor, @Param('id', postIdParam) id: string): Promise<LikeResponse> {
    return this.likes.unlike(actor, id);
  }
}
