import { hash } from '@node-rs/argon2';
import { describe, expect, it, jest } from '@jest/globals';
import * as fc from 'fast-check';
import { PasswordHashes } from '../../../src/auth/local/password-hashes.js';
import type { Problem } from '../../../src/problems/problem.js';
import { Bulkhead } from '../../../src/concurrency/bulkhead.js';
import { useFullHashCost } from '../../support/argon2.js';

useFullHashCost();

const NARROW = { concurrency: 1, queue: 2 };

describe('a password hash', () => {
  it('is argon2id with 19 MiB, two passes and one lane, as a PHC string', async () => {
    const hashes = await PasswordHashes.create();
    expect(await hashes.hash('correct horse')).toMatch(
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]{22}\$[^$]{43}$/,
    );
  });

  it('matches its password, and no other', async () => {
    const hashes = await PasswordHashes.create();
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
        async (one, other) => {
          const hash = await hashes.hash(one);
          expect(await hashes.matches(one, hash)).toBe(true);
          expect(await hashes.matches(other, hash)).toBe(one === other);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('matches every canonically equivalent encoding of its password', async () => {
    const hashes = await PasswordHashes.create();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), async (password) => {
        for (const form of ['NFC', 'NFD'] as const) {
          const hash = await hashes.hash(password.normalize(form));
          for (const typed of ['NFC', 'NFD'] as const) {
            expect(await hashes.compare(password.normalize(typed), hash)).toBe('same');
          }
        }
      }),
      { numRuns: 10, examples: [['대문 안으로'], ['Ångström'], ['\u1100\u1161\u11a8']] },
    );
  });

  it('matches no password that differs in case or in the last of 128 code points', async () => {
    const hashes = await PasswordHashes.create();
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('a', 'ß', '문', '🚪'), minLength: 127, maxLength: 127 }),
        async (start) => {
          const hash = await hashes.hash(`${start}a`);
          expect(await hashes.matches(`${start}b`, hash)).toBe(false);
          expect(await hashes.matches(`${start}A`, hash)).toBe(false);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('matches its password with any kind of space', async () => {
    const hashes = await PasswordHashes.create();
    const hash = await hashes.hash('대문 안으로');
    for (const space of ['\u00a0', '\u3000', '\u2003']) {
      expect(await hashes.compare(`대문${space}안으로`, hash)).toBe('same');
    }
  });

  it('of the encoding from before normalization matches and is outdated', async () => {
    const hashes = await PasswordHashes.create();
    const sent = '대문 안으로'.normalize('NFD');
    const old = await hash(sent, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    expect(await hashes.compare(sent, old)).toBe('outdated');
    expect(await hashes.compare('다른 비밀번호'.normalize('NFD'), old)).toBe('different');
  });

  it.each([
    ['in its normal form', '대문 안으로', 1],
    ['in another form', '대문 안으로'.normalize('NFD'), 2],
  ])('costs the same work for a wrong password %s with and without a hash', async (_, password, work) => {
    const hashes = await PasswordHashes.create();
    for (const stored of [await hashes.hash('correct horse'), null, undefined]) {
      const { finished } = hashes.load;
      expect(await hashes.matches(password, stored)).toBe(false);
      expect(hashes.load.finished - finished).toBe(work);
    }
  });

  it('costs the same work for an account without a password', async () => {
    const hashes = await PasswordHashes.create();
    const hash = await hashes.hash('correct horse');
    for (const stored of [hash, null, undefined]) {
      const { finished } = hashes.load;
      expect(await hashes.matches('wrong', stored)).toBe(false);
      expect(hashes.load.finished).toBe(finished + 1);
    }
  });
});

describe('a hash with outdated parameters', () => {
  const OLD = { memoryCost: 8_192, timeCost: 1, parallelism: 1 };

  it('matches its password and no other in any process', async () => {
    const old = await hash('correct horse', OLD);
    for (const prefixes of [[], ['$argon2id$v=19$m=8192,t=1,p=1$']]) {
      const hashes = await PasswordHashes.create(undefined, prefixes);
      expect(await hashes.matches('correct horse', old)).toBe(true);
      expect(await hashes.matches('wrong', old)).toBe(false);
      expect(await hashes.matches('correct horse', await hashes.hash('correct horse'))).toBe(true);
      expect(await hashes.matches('correct horse', null)).toBe(false);
    }
  });
});

describe('a flood of password comparisons', () => {
  it('is refused with Retry-After when the hash queue is full', async () => {
    const hashes = await PasswordHashes.create(NARROW);
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => hashes.hash('password')));
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(outcomes.at(-1)).toMatchObject({
      reason: { code: 'temporarily_unavailable', headers: { 'Retry-After': '2' } },
    });
  });

  it('leaves no queue behind: the next comparison runs', async () => {
    const hashes = await PasswordHashes.create(NARROW);
    await Promise.allSettled(Array.from({ length: 5 }, () => hashes.hash('password')));
    expect(hashes.load).toMatchObject({ running: 0, waiting: 0 });
    expect(await hashes.matches('password', await hashes.hash('password'))).toBe(true);
  });
});

describe('the bulkhead', () => {
  /** Occupies the only slot. Returns a function that releases it. */
  function occupied(limits: { queue: number; reserved?: number }) {
    const turns = new Bulkhead({ concurrency: 1, ...limits }, 'a test');
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const first = turns.run(() => released);
    const served: string[] = [];
    const ask = (key: string, reserved = false) =>
      turns
        .run(() => Promise.resolve(void served.push(key)), { key, reserved })
        .then(
          () => 'served',
          (error: Problem) => error.code,
        );
    return {
      ask,
      served,
      end: async (asked: readonly Promise<string>[]) => {
        release();
        await first;
        return Promise.all(asked);
      },
    };
  }

  it('serves the keys in turn, and the tasks of each key in order', async () => {
    const { ask, served, end } = occupied({ queue: 10 });
    await end(['a', 'a', 'a', 'b', 'c', 'b'].map((key) => ask(key)));
    expect(served).toEqual(['a', 'b', 'c', 'a', 'b', 'a']);
  });

  it('refuses the newest task of the key with most places when the queue is full', async () => {
    const { ask, served, end } = occupied({ queue: 3 });
    const outcomes = await end(['a', 'a', 'a', 'b', 'a', 'b', 'c'].map((key) => ask(key)));
    expect(outcomes.map((outcome) => outcome === 'served')).toEqual([
      true,
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    expect(served).toEqual(['a', 'b', 'c']);
  });

  it('leaves a place for every key against a flood from one key, if places suffice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('flood', 'flood', 'flood', 'a', 'b', 'c', 'd'), { maxLength: 60 }),
        async (keys) => {
          const { ask, end } = occupied({ queue: 8 });
          const outcomes = await end(keys.map((key) => ask(key)));
          for (const key of new Set(keys)) expect(outcomes[keys.indexOf(key)]).toBe('served');
        },
      ),
    );
  });

  it('serves reserved places in turn with other places, which cannot fill them', async () => {
    const { ask, served, end } = occupied({ queue: 2, reserved: 2 });
    const asked = ['a', 'b', 'c'].map((key) => ask(key));
    const reserved = ['known', 'known', 'known'].map((key) => ask(key, true));
    expect(await end([...asked, ...reserved])).toEqual([
      'served',
      'served',
      'temporarily_unavailable',
      'served',
      'served',
      'temporarily_unavailable',
    ]);
    expect(served).toEqual(['a', 'known', 'b', 'known']);
  });

  it('drops tasks that have waited for three seconds, and goes on with the next', async () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(0);
    const { ask, served, end } = occupied({ queue: 10 });
    const asked = ['a', 'a', 'b'].map((key) => ask(key));
    now.mockReturnValue(1);
    asked.push(ask('c'), ask('known', true));
    now.mockReturnValue(3_001);
    expect(await end(asked)).toEqual([
      ...Array<string>(3).fill('temporarily_unavailable'),
      'served',
      'served',
    ]);
    now.mockRestore();
    expect(served).toEqual(['known', 'c']);
  });

  it('never exceeds its concurrency, loses no task and keeps the order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        async (scheduler, concurrency, fates) => {
          const turns = new Bulkhead({ concurrency, queue: 20 }, 'a test');
          const begun: number[] = [];
          let most = 0;
          const outcomes = Promise.allSettled(
            fates.map((fate, index) =>
              turns.run(async () => {
                begun.push(index);
                most = Math.max(most, turns.load.running);
                await scheduler.schedule(Promise.resolve());
                if (!fate) throw new Error('failed');
              }),
            ),
          );
          await scheduler.waitFor(outcomes);
          expect((await outcomes).map(({ status }) => status === 'fulfilled')).toEqual(fates);
          expect(begun).toEqual(fates.map((_, index) => index));
          expect(most).toBe(Math.min(concurrency, fates.length));
          expect(turns.load).toEqual({ running: 0, waiting: 0, finished: fates.length });
        },
      ),
    );
  });
});
