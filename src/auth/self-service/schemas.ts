import { z } from 'zod';
import { cursorTo, limit, pageSchema } from '../../http/pagination.js';
import { auditPosition } from '../audit/schemas.js';
import { AUDIT_EVENT_KINDS } from '../audit/catalogue.js';
import { reauthentication } from '../reauthentication/schemas.js';

export const accountDeletion = reauthentication
  .optional()
  .meta({ id: 'AccountDeletion', description: 'Not needed within ten minutes of logging in.' });

export const auditQuery = z.strictObject({ cursor: cursorTo(auditPosition).optional(), limit });

const auditEvent = z
  .object({
    at: z.iso.datetime(),
    kind: z.enum(AUDIT_EVENT_KINDS).meta({ example: 'session_ended' }),
    sessionId: z.uuid().nullable(),
    details: z.record(z.string(), z.string()).meta({ example: { reason: 'logged_out' } }),
  })
  .meta({ id: 'AuditEvent' });

export const auditPage = pageSchema(auditEvent).meta({ id: 'AuditPage' });
export type AuditPage = z.output<typeof auditPage>;
