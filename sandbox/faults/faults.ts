import { z } from 'zod';
import { PROVIDER_NAMES } from '../accounts.js';
import type { Endpoint } from '../context.js';
import { FAULT_KINDS, type FaultKind } from './send.js';

/** Fault of a provider's endpoint. Without `times` it lasts until the faults are cleared. */
const FaultSchema = z.strictObject({
  provider: z.enum(PROVIDER_NAMES),
  at: z.enum(['token', 'profile', 'revoke', 'unlink']),
  fault: z.enum(FAULT_KINDS),
  times: z.int().min(1).optional(),
  /** For `slow`. */
  delayMs: z.int().min(0).max(600_000).default(2000),
});

/** Request that switches a fault on. */
export type FaultRequest = z.input<typeof FaultSchema>;

interface ActiveFault {
  fault: FaultKind;
  delayMs: number;
  left: number;
}

/** Active faults, one per endpoint. A new fault replaces the previous one. */
export class Faults {
  readonly #active = new Map<string, ActiveFault>();

  constructor(private readonly endpoints: readonly Endpoint[]) {}

  /** Switches a fault on. @throws {RangeError} if the provider has no such endpoint. */
  set(request: FaultRequest): void {
    const { provider, at, fault, times, delayMs } = FaultSchema.parse(request);
    if (!this.endpoints.some((endpoint) => endpoint.provider === provider && endpoint.name === at)) {
      const names = this.endpoints
        .filter((endpoint) => endpoint.provider === provider)
        .map(({ name }) => name);
      throw new RangeError(`${provider} has no ${at} endpoint, only: ${[...new Set(names)].join(', ')}.`);
    }
    this.#active.set(`${provider}/${at}`, { fault, delayMs, left: times ?? Infinity });
  }

  /** Switches all faults off. */
  clear(): void {
    this.#active.clear();
  }

  /** Returns the fault for a request, and counts it. */
  take(endpoint: Endpoint): { fault: FaultKind; delayMs: number } | undefined {
    const key = `${endpoint.provider}/${endpoint.name}`;
    const active = this.#active.get(key);
    if (active === undefined) return undefined;
    active.left -= 1;
    if (active.left <= 0) this.#active.delete(key);
    return active;
  }
}
