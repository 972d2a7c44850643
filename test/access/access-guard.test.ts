import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { OptionalActor, Public, Roles } from '../../src/access/access.decorators.js';
import { CurrentActor, type Actor } from '../../src/access/actor.js';
import { Denylist } from '../../src/access/denylist.js';
import { AccessTokens } from '../../src/auth/sessions/access-tokens.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

/** A module such as someone would add beside boards/. */
@Controller('doors')
class DoorsController {
  @Get('plain')
  plain(@CurrentActor() actor: Actor): { accountId: string } {
    return { accountId: actor.accountId };
  }

  @Get('public')
  @Public()
  public(@CurrentActor() actor: Actor | undefined): { known: boolean } {
    return { known: actor !== undefined };
  }

  @Get('optional')
  @OptionalActor()
  optional(@CurrentActor() actor: Actor | undefined): { known: boolean } {
    return { known: actor !== undefined };
  }

  @Get('admin')
  @Roles('admin')
  admin(): { ok: true } {
    return { ok: true };
  }
}

@Controller('open-house')
@Public()
class OpenHouseController {
  @Get('safe')
  @Roles('admin')
  safe(): { ok: true } {
    return { ok: true };
  }
}

@Module({ controllers: [DoorsController, OpenHouseController] })
class DoorsModule {}

let app: TestApp;
beforeAll(async () => {
  app = await startApp({}, [DoorsModule]);
});
afterAll(() => app.stop());

const actor = (...roles: string[]): Actor => ({ accountId: randomUUID(), sessionId: randomUUID(), roles });
const issue = (who: Actor) => app.daemun.app.get(AccessTokens, { strict: false }).issue(who);
async function open(
  door: string,
  token?: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${app.url}/doors/${door}`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('a route that says nothing about access', () => {
  it('is closed', async () => {
    expect(await open('plain')).toMatchObject({ status: 401, body: { code: 'access_token_missing' } });
  });

  it('knows who is asking', async () => {
    const mina = actor('user');
    expect(await open('plain', issue(mina))).toEqual({ status: 200, body: { accountId: mina.accountId } });
  });
});

describe('a public route', () => {
  it('is open to everyone, and does not even look at a token', async () => {
    expect(await open('public')).toEqual({ status: 200, body: { known: false } });
    expect(await open('public', 'garbage')).toEqual({ status: 200, body: { known: false } });
  });
});

describe('a route with an optional actor', () => {
  it('is open to everyone, and knows who brings a token', async () => {
    expect(await open('optional')).toEqual({ status: 200, body: { known: false } });
    expect(await open('optional', issue(actor('user')))).toEqual({ status: 200, body: { known: true } });
  });

  it('refuses a bad token, so that the client gets a new one instead of a stranger’s answer', async () => {
    expect(await open('optional', 'garbage')).toMatchObject({ status: 401 });
  });
});

describe('a route for a role', () => {
  it('is closed to everyone else', async () => {
    expect(await open('admin', issue(actor('user')))).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
  });

  it('is closed also within a controller that is public', async () => {
    expect((await fetch(`${app.url}/open-house/safe`)).status).toBe(401);
  });

  it('is open to who has it among others', async () => {
    expect(await open('admin', issue(actor('user', 'admin')))).toMatchObject({ status: 200 });
  });
});

describe('a session that has ended', () => {
  it('takes its access tokens with it at once, also those seen before', async () => {
    const mina = actor('user');
    const [first, second] = [issue(mina), issue(mina)];
    expect(await open('plain', first)).toMatchObject({ status: 200 });
    app.daemun.app.get(Denylist, { strict: false }).denySession(mina.sessionId);
    expect(await open('plain', first)).toMatchObject({ status: 401, body: { code: 'session_ended' } });
    expect(await open('plain', second)).toMatchObject({ status: 401, body: { code: 'session_ended' } });
  });

  it('leaves other sessions alone', async () => {
    app.daemun.app.get(Denylist, { strict: false }).denySession(randomUUID());
    expect(await open('plain', issue(actor('user')))).toMatchObject({ status: 200 });
  });
});
