/**
 * Kinds of audit events, with short descriptions. A kind is stable: it may be added, never renamed or reused, because events
 * are kept for a year. docs/audit-events.md lists the kinds and their details.
 */
export const AUDIT_EVENTS = {
  account_opened: 'A login with a provider opened the account',
  account_deleted: 'The user deleted the account',
  account_disabled: 'The operator disabled the account',
  account_enabled: 'The operator enabled the account again',
  role_granted: 'The operator gave the account a role',
  role_revoked: 'The operator took a role from the account',
  email_verified: 'The e-mail address was verified',
  password_reset: 'A mailed link set a new password',
  password_changed: 'The user changed the password',
  identity_linked: 'An account at a provider was linked',
  identity_unlinked: 'An account at a provider was unlinked',
  session_opened: 'A login opened a session',
  session_recovered: 'A refresh token was reissued after its response was lost',
  session_reused: 'The reuse of a refresh token ended the session',
  session_ended: 'The session ended',
} as const;

export type AuditEventKind = keyof typeof AUDIT_EVENTS;

/** Every kind, for the schema of the API. */
export const AUDIT_EVENT_KINDS = Object.keys(AUDIT_EVENTS) as [AuditEventKind, ...AuditEventKind[]];
