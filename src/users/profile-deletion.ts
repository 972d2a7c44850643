import { Injectable, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { Outbox } from '../outbox/outbox.js';
import { Profiles } from './profiles.js';

/** Outbox handler of `account.deleted`: deletes the profile. */
@Injectable()
export class ProfileDeletion implements OnModuleInit {
  constructor(
    private readonly outbox: Outbox,
    private readonly profiles: Profiles,
  ) {}

  onModuleInit(): void {
    this.outbox.handle('account.deleted', {
      name: 'profiles',
      schema: z.object({ accountId: z.uuid() }),
      concurrency: 4,
      deliver: ({ accountId }) => this.profiles.delete(accountId),
    });
  }
}
