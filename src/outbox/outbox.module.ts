import { Global, Module } from '@nestjs/common';
import { Outbox } from './outbox.js';

/** The outbox, for every module that has to tell another one, or a server elsewhere, something for certain. */
@Global()
@Module({ providers: [Outbox], exports: [Outbox] })
export class OutboxModule {}
