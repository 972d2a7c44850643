import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import { z } from 'zod';
import { Public } from '../access/access.decorators.js';
import { CurrentActor, type Actor } from '../access/actor.js';
import { ApiOperation, ApiTags } from '../openapi/decorators.js';
import { Returns, ApiProblems } from '../openapi/responses.js';
import { orNotFound } from '../problems/or-not-found.js';
import { RateLimited } from '../rate-limits/rate-limited.js';
import type { Profile } from './profile.entity.js';
import { ownProfile, profileChanges, publicProfile, type ProfileChanges } from './schemas.js';
import { UsersService } from './users.service.js';

const userIdParam = orNotFound(z.uuid(), 'user_not_found');

@ApiTags('Users')
@Controller('users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get('me')
  @ApiOperation({ summary: 'Read your own profile' })
  @Returns(200, ownProfile, 'Your profile')
  @ApiProblems('user_not_found')
  async readOwn(@CurrentActor() actor: Actor): Promise<z.output<typeof ownProfile>> {
    return asOwner(await this.users.get(actor.accountId));
  }

  @Patch('me')
  @RateLimited('profile')
  @ApiOperation({ summary: 'Change your own profile', description: 'Members that are left out stay.' })
  @Returns(200, ownProfile, 'Your profile as it is now')
  @ApiProblems('validation_failed', 'user_not_found')
  async changeOwn(
    @CurrentActor() actor: Actor,
    @Body({ schema: profileChanges }) changes: ProfileChanges,
  ): Promise<z.output<typeof ownProfile>> {
    return asOwner(await this.users.change(actor, changes));
  }

  @Get(':id')
  @Public()
  @ApiOperation({ summary: 'Read the profile of a user' })
  @Returns(200, publicProfile, 'The public profile')
  @ApiProblems('user_not_found')
  async read(@Param('id', userIdParam) userId: string): Promise<z.output<typeof publicProfile>> {
    const { id, nickname, avatarUrl, bio } = await this.users.get(userId);
    return { id, nickname, avatarUrl, bio };
  }
}

function asOwner(profile: Profile): z.output<typeof ownProfile> {
  const { id, nickname, avatarUrl, bio, locale, createdAt } = profile;
  return { id, nickname, avatarUrl, bio, locale, createdAt: createdAt.toISOString() };
}
