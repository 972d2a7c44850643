import { Module } from '@nestjs/common';
import { AuditLog } from './audit-log.js';

/** The audit log of accounts. */
@Module({ providers: [AuditLog], exports: [AuditLog] })
export class AuditModule {}
