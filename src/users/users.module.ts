import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OutboxModule } from '../outbox/outbox.module.js';
import { LocalProfiles } from './local-profiles.js';
import { ProfileDeletion } from './profile-deletion.js';
import { Profile } from './profile.entity.js';
import { Profiles } from './profiles.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

/** ProfileService. Global, because its port {@link Profiles} is how every other service meets it. */
@Global()
@Module({
  imports: [OutboxModule, TypeOrmModule.forFeature([Profile])],
  controllers: [UsersController],
  providers: [UsersService, ProfileDeletion, { provide: Profiles, useClass: LocalProfiles }],
  exports: [Profiles],
})
export class UsersModule {}
