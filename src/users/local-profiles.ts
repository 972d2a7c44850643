import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, type Repository } from 'typeorm';
import { Profile } from './profile.entity.js';
import { Profiles, type Locale, type ProfileSeed, type PublicProfile } from './profiles.js';

/** {@link Profiles} in the same process: reads and writes the table directly. */
@Injectable()
export class LocalProfiles extends Profiles {
  constructor(@InjectRepository(Profile) private readonly profiles: Repository<Profile>) {
    super();
  }

  async createIfAbsent(accountId: string, { nickname, avatarUrl, locale }: ProfileSeed): Promise<void> {
    await this.profiles
      .createQueryBuilder()
      .insert()
      .values({ id: accountId, nickname, avatarUrl, locale })
      .orIgnore()
      .execute();
    this.changed(accountId);
  }

  async findMany(accountIds: readonly string[]): Promise<ReadonlyMap<string, PublicProfile>> {
    if (accountIds.length === 0) return new Map();
    const found = await this.profiles.find({
      select: { id: true, nickname: true, avatarUrl: true },
      where: { id: In([...new Set(accountIds)]) },
    });
    return new Map(found.map(({ id, nickname, avatarUrl }) => [id, { id, nickname, avatarUrl }]));
  }

  async localeOf(accountId: string): Promise<Locale | undefined> {
    return (await this.profiles.findOneBy({ id: accountId }))?.locale;
  }

  async delete(accountId: string): Promise<void> {
    await this.profiles.delete({ id: accountId });
    this.changed(accountId);
  }
}
