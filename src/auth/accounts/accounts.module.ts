import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Account } from './account.entity.js';

/** The table of accounts: `Repository<Account>`. */
@Module({ imports: [TypeOrmModule.forFeature([Account])], exports: [TypeOrmModule] })
export class AccountsModule {}
