export { createClient } from './client.js';
export type { Change, Client, ClientOptions, Reason, User } from './contract.js';
export { Failure, type FieldError } from './failure.js';
