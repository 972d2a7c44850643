import type { Client, ClientOptions } from './contract.js';

export type { Change, Client, ClientOptions, Reason, User } from './contract.js';
export { Failure, type FieldError } from './failure.js';

/** One for each page: it keeps the access token, and everyone shares it. */
export declare function createClient(options?: ClientOptions): Client;
