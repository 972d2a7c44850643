import { QueryFailedError } from 'typeorm';

/** Whether a statement failed because a unique index has the value already (PostgreSQL's 23505). */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof QueryFailedError && (error.driverError as { code?: unknown }).code === '23505';
}
