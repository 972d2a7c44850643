import { Controller, Delete, Param, Put } from '@nestjs/common';
import { CurrentActor, type Actor } from '../access/actor.js';
import { ApiOperation, ApiTags } from '../openapi-decorators.js';
import { Answers, Fails } from '../openapi.js';
import { RateLimited } from '../rate-limits/rate-limited.js';
import { knownPost } from './known.js';
import { LikesService } from './likes.service.js';
import { like, type LikeAnswer } from './post-schemas.js';

/** Likes: said twice, they count once. */
@ApiTags('Boards')
@Controller('posts/:id/like')
@Fails('post_not_found')
export class LikesController {
  constructor(private readonly likes: LikesService) {}

  @Put()
  @RateLimited('like')
  @ApiOperation({ summary: 'Like a post' })
  @Answers(200, like, 'How many like it now')
  like(@CurrentActor() actor: Actor, @Param('id', knownPost) id: string): Promise<LikeAnswer> {
    return this.likes.like(actor, id);
  }

  @Delete()
  @RateLimited('like')
  @ApiOperation({ summary: 'Take a like back' })
  @Answers(200, like, 'How many like it now')
  unlike(@CurrentActor() actor: Actor, @Param('id', knownPost) id: string): Promise<LikeAnswer> {
    return this.likes.unlike(actor, id);
  }
}
