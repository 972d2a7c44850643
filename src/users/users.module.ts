import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OutboxModule } from '../outbox/outbox.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { LocalProfiles } from './local-profiles.js';
import { ProfileDeletion } from './profile-deletion.js';
import { Profile } from './profile.entity.js';
import { Profiles } from './profiles.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

/** ProfileService. Other services use the port {@link Profiles}. */
@Module({
  imports: [OutboxModule, RateLimitsModule, TypeOrmModule.forFeature([Profile])],
  controllers: [UsersController],
  providers: [UsersService, ProfileDeletion, { provide: Profiles, useClass: LocalProfiles }],
  exports: [Profiles],
})
export class UsersModule {}
