import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Problem } from '../problems/problem.js';
import { Profile } from './profile.entity.js';
import type { ProfileChanges } from './schemas.js';

/** What people do with profiles: read anyone's, change their own. */
@Injectable()
export class UsersService {
  constructor(@InjectRepository(Profile) private readonly profiles: Repository<Profile>) {}

  /** @throws {Problem} `user_not_found`. */
  async get(id: string): Promise<Profile> {
    const profile = await this.profiles.findOneBy({ id });
    if (profile === null) throw new Problem('user_not_found');
    return profile;
  }

  /** @throws {Problem} `user_not_found` when the actor's profile is gone. */
  async change(actor: Actor, changes: ProfileChanges): Promise<Profile> {
    await this.profiles.update({ id: actor.accountId }, changes);
    return this.get(actor.accountId);
  }
}
