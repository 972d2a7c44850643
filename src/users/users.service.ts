import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { prepared, runPrepared } from '../database/prepared.js';
import { Problem } from '../problems/problem.js';
import { Profile } from './profile.entity.js';
import { Profiles } from './profiles.js';
import type { ProfileChanges } from './schemas.js';

/** Prepared statement, because every page load reads the caller's profile. */
const READ = prepared(
  'read-profile',
  `SELECT account_id AS id, nickname, avatar_url AS "avatarUrl", bio, locale, created_at AS "createdAt"
   FROM profile.profiles WHERE account_id = $1`,
);

/** Profiles: reads any, changes the caller's own. */
@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(Profile) private readonly profiles: Repository<Profile>,
    private readonly port: Profiles,
  ) {}

  /** @throws {Problem} `user_not_found`. */
  async get(id: string): Promise<Profile> {
    const [profile] = await runPrepared<Profile>(this.profiles.manager.dataSource, READ, [id]);
    if (profile === undefined) throw new Problem('user_not_found');
    return profile;
  }

  /** @throws {Problem} `user_not_found` when the actor's profile is gone. */
  async change(actor: Actor, changes: ProfileChanges): Promise<Profile> {
    await this.profiles.update({ id: actor.accountId }, changes);
    this.port.changed(actor.accountId);
    return this.get(actor.accountId);
  }
}
