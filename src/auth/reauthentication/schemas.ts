import { z } from 'zod';
import { presentedPassword } from '../../text/password.js';

/** Body of requests that need reauthentication. */
export const reauthentication = z.strictObject({ password: presentedPassword.optional() });
