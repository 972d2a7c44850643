import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import { z } from 'zod';
import { Public } from '../access/access.decorators.js';
import { CurrentActor, type Actor } from '../access/actor.js';
import { ApiOperation, ApiTags } from '../openapi-decorators.js';
import { Answers, Fails } from '../openapi.js';
import { orNotFound } from '../problems/or-not-found.js';
import { RateLimited } from '../rate-limits/rate-limited.js';
import type { Profile } from './profile.entity.js';
import { ownProfile, profileChanges, publicProfile, type ProfileChanges } from './schemas.js';
import { UsersService } from './users.service.js';

const known = orNotFound(z.uuid(), 'user_not_found');

/** Who people are to each other. */
@ApiTags('Users')
@Controller('users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get('me')
  @ApiOperation({ summary: 'Read your own profile' })
  @Answers(200, ownProfile, 'Your profile')
  @Fails('user_not_found')
  async readOwn(@CurrentActor() actor: Actor): Promise<z.output<typeof ownProfile>> {
    return asOwner(await this.users.get(actor.accountId));
  }

  @Patch('me')
  @RateLimited('profile')
  @ApiOperation({ summary: 'Change your own profile', description: 'Members that are left out stay.' })
  @Answers(200, ownProfile, 'Your profile as it is now')
  @Fails('validation_failed', 'user_not_found')
  async changeOwn(
    @CurrentActor() actor: Actor,
    @Body({ schema: profileChanges }) changes: ProfileChanges,
  ): Promise<z.output<typeof ownProfile>> {
    return asOwner(await this.users.change(actor, changes));
  }

  @Get(':id')
  @Public()
  @ApiOperation({ summary: "Read someone's profile" })
  @Answers(200, publicProfile, 'What everyone may see')
  @Fails('user_not_found')
  async read(@Param('id', known) userId: string): Promise<z.output<typeof publicProfile>> {
    const { id, nickname, avatarUrl, bio } = await this.users.get(userId);
    return { id, nickname, avatarUrl, bio };
  }
}

function asOwner(profile: Profile): z.output<typeof ownProfile> {
  const { id, nickname, avatarUrl, bio, locale, createdAt } = profile;
  return { id, nickname, avatarUrl, bio, locale, createdAt: createdAt.toISOString() };
}
