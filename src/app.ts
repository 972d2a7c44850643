import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { databaseOptions } from './database/options.js';
import { AppModule } from './app.module.js';
import type { Config } from './config/config.js';
import { openTarget } from './database/target.js';
import { configureHttp, createHttpAdapter } from './http/http-adapter.js';
import { nestLogger } from './logging/logging.js';

/** When we stop, what is on its way has this long (ms) to arrive. */
const LAST_ARRIVAL_MS = 2_000;

/** A running Daemun. */
export interface Daemun {
  readonly app: NestFastifyApplication;
  /** Answers what is under way, takes nothing new, and puts the database away. */
  close(): Promise<void>;
}

/** Builds the application and opens its database; it does not listen yet. `more` modules join it. */
export async function createDaemun(
  config: Config,
  logger: Logger,
  more: readonly Type[] = [],
): Promise<Daemun> {
  const target = await openTarget(config);
  const putAway = async () => ('embedded' in target ? target.embedded.close() : undefined);
  try {
    const app = await NestFactory.create<NestFastifyApplication>(
      AppModule.forRoot(config, databaseOptions(target), more),
      createHttpAdapter(config, logger),
      { logger: nestLogger(logger), bodyParser: false, abortOnError: false },
    );
    await configureHttp(app, config);
    const connections = openConnections(app);
    return {
      app,
      close: async () => {
        try {
          await drain(app, connections);
        } finally {
          await putAway();
        }
      },
    };
  } catch (error) {
    await putAway();
    throw error;
  }
}

/** Every connection, with the request that came last on it; undefined where none did yet: browsers open some in advance. */
function openConnections(app: NestFastifyApplication): ReadonlyMap<Socket, IncomingMessage | undefined> {
  const connections = new Map<Socket, IncomingMessage | undefined>();
  app
    .getHttpServer()
    .on('connection', (socket: Socket) => {
      connections.set(socket, undefined);
      socket.once('close', () => connections.delete(socket));
    })
    .on('request', (request: IncomingMessage) => connections.set(request.socket, request));
  return connections;
}

/**
 * Closes the application once all requests under way have been answered. Node.js closes the connections that are idle at
 * the start; those that become idle later, and those on which nothing was ever asked, would be waited for. So would requests
 * that do not arrive, since Node.js does not look after them any more: they get a moment.
 */
async function drain(
  app: NestFastifyApplication,
  connections: ReadonlyMap<Socket, IncomingMessage | undefined>,
): Promise<void> {
  const server = app.getHttpServer();
  const begun = Date.now();
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    const late = Date.now() - begun > LAST_ARRIVAL_MS;
    for (const [socket, request] of connections) {
      if (request === undefined || (late && !request.complete)) socket.destroy();
    }
  }, 50);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
  }
}
