import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { Public } from '../../src/access/access.decorators.js';
import { startApp } from '../support/fixtures/app.js';

let arrived: () => void;
let answer: () => void;

/** A request whose duration the test controls. */
@Controller('slow')
@Public()
class SlowController {
  @Get()
  async wait(): Promise<{ done: true }> {
    const released = new Promise<void>((resolve) => (answer = resolve));
    arrived();
    await released;
    return { done: true };
  }
}

@Module({ controllers: [SlowController] })
class SlowModule {}

/** Returns true if a new connection is accepted. */
function isOpen(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

describe('a shutdown', () => {
  it('answers pending requests, refuses new requests and ignores idle connections', async () => {
    const app = await startApp({}, [SlowModule]);
    const underWay = new Promise<void>((resolve) => (arrived = resolve));
    const slow = fetch(`${app.url}/slow`);
    await underWay;
    const stopped = app.stop();
    while (await isOpen(app.url)) continue;
    answer();
    expect(await (await slow).json()).toEqual({ done: true });
    await stopped;
  }, 20_000);

  it('does not wait for an incomplete request', async () => {
    const app = await startApp();
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    socket.on('error', () => {});
    const started = new Promise((resolve) => app.daemun.app.getHttpServer().once('request', resolve));
    socket.write(
      'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    await started;
    await app.stop();
  }, 20_000);

  it('does not wait for a connection without a request', async () => {
    const app = await startApp();
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await app.stop();
    await closed;
  }, 20_000);
});
