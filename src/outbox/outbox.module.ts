import { Module } from '@nestjs/common';
import { Outbox } from './outbox.js';

/**
 * The outbox, for every module that has to tell another one, or a server elsewhere, something for certain. It is not
 * global: Nest stops global modules last, in the order of their imports, and the outbox needs the database until its end.
 */
@Module({ providers: [Outbox], exports: [Outbox] })
export class OutboxModule {}
