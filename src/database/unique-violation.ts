import { QueryFailedError } from 'typeorm';

/** Returns true for the violation of a unique index (SQLSTATE 23505). */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof QueryFailedError && (error.driverError as { code?: unknown }).code === '23505';
}
