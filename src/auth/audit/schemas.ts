import { z } from 'zod';

/** Position in the list of events: an id, which is a positive bigint. */
export const auditPosition = z.strictObject({ id: z.string().regex(/^[1-9]\d{0,17}$/) });
export type AuditPosition = z.output<typeof auditPosition>;
