import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Account } from './account.entity.js';
import { Accounts } from './accounts.js';

@Module({ imports: [TypeOrmModule.forFeature([Account])], providers: [Accounts], exports: [Accounts] })
export class AccountsModule {}
