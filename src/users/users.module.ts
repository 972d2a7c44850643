import { Module } from '@nestjs/common';

/** ProfileService. */
@Module({})
export class UsersModule {}
