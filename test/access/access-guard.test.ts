import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { OptionalActor, Public, Roles } from '../../src/access/access.decorators.js';
import { CurrentActor, type Actor } from '../../src/access/actor.js';
import { Denylist } from '../../src/access/denylist.js';
import { AccessTokens } from '../../src/auth/sessions/access-tokens.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

/** A module as a developer would add it beside boards/. */
@Controller('samples')
class SampleController {
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

@Controller('public-samples')
@Public()
class PublicController {
  @Get('safe')
  @Roles('admin')
  safe(): { ok: true } {
    return { ok: true };
  }
}

@Module({ controllers: [SampleController, PublicController] })
class SampleModule {}

let app: TestApp;
beforeAll(async () => {
  app = await startApp({}, [SampleModule]);
});
afterAll(() => app.stop());

const actor = (...roles: string[]): Actor => ({ accountId: randomUUID(), sessionId: randomUUID(), roles });
const issue = (subject: Actor) => app.daemun.app.get(AccessTokens, { strict: false }).issue(subject);
async function call(
  route: string,
  token?: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${app.url}/samples/${route}`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('the access guard', () => {
  it('refuses a request without a token on a route that declares no access', async () => {
    expect(await call('plain')).toMatchObject({ status: 401, body: { code: 'access_token_missing' } });
  });

  it('passes the actor of the token to the route', async () => {
    const mina = actor('user');
    expect(await call('plain', issue(mina))).toEqual({ status: 200, body: { accountId: mina.accountId } });
  });
});

describe('the access guard on a public route', () => {
  it('admits requests without reading their token', async () => {
    expect(await call('public')).toEqual({ status: 200, body: { known: false } });
    expect(await call('public', 'garbage')).toEqual({ status: 200, body: { known: false } });
  });
});

describe('the access guard on a route with an optional actor', () => {
  it('admits requests with and without a token, and passes the actor of a token', async () => {
    expect(await call('optional')).toEqual({ status: 200, body: { known: false } });
    expect(await call('optional', issue(actor('user')))).toEqual({ status: 200, body: { known: true } });
  });

  it('refuses an invalid token instead of serving the response for anonymous clients', async () => {
    expect(await call('optional', 'garbage')).toMatchObject({ status: 401 });
  });
});

describe('the access guard on a route for a role', () => {
  it('refuses an actor without the role', async () => {
    expect(await call('admin', issue(actor('user')))).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
  });

  it('refuses anonymous requests to a role’s route within a public controller', async () => {
    expect((await fetch(`${app.url}/public-samples/safe`)).status).toBe(401);
  });

  it('admits an actor that has the role among others', async () => {
    expect(await call('admin', issue(actor('user', 'admin')))).toMatchObject({ status: 200 });
  });
});

describe('the access guard after the end of a session', () => {
  it('refuses the access tokens of an ended session at once, including cached tokens', async () => {
    const mina = actor('user');
    const [first, second] = [issue(mina), issue(mina)];
    expect(await call('plain', first)).toMatchObject({ status: 200 });
    app.daemun.app.get(Denylist, { strict: false }).denySession(mina.sessionId);
    expect(await call('plain', first)).toMatchObject({ status: 401, body: { code: 'session_ended' } });
    expect(await call('plain', second)).toMatchObject({ status: 401, body: { code: 'session_ended' } });
  });

  it('admits the access tokens of other sessions', async () => {
    app.daemun.app.get(Denylist, { strict: false }).denySession(randomUUID());
    expect(await call('plain', issue(actor('user')))).toMatchObject({ status: 200 });
  });
});
