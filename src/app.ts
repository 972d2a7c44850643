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

/** Time in which requests that are being received at the shutdown have to be complete. */
const LAST_ARRIVAL_MS = 2_000;

/** Running application. */
export interface Daemun {
  readonly app: NestFastifyApplication;
  /** Stops accepting connections, drains the requests under way, and closes the database. */
  close(): Promise<void>;
}

/** Creates the application and opens its database, without listening. `more` are additional modules. */
export async function createDaemun(
  config: Config,
  logger: Logger,
  more: readonly Type[] = [],
): Promise<Daemun> {
  const target = await openTarget(config);
  const closeDatabase = async () => ('embedded' in target ? target.embedded.close() : undefined);
  try {
    const app = await NestFactory.create<NestFastifyApplication>(
      AppModule.forRoot(config, databaseOptions(target), more),
      createHttpAdapter(config, logger),
      { logger: nestLogger(logger), bodyParser: false, abortOnError: false },
    );
    await configureHttp(app, config);
    const connections = trackConnections(app);
    return {
      app,
      close: async () => {
        try {
          await drain(app, connections);
        } finally {
          await closeDatabase();
        }
      },
    };
  } catch (error) {
    await closeDatabase();
    throw error;
  }
}

/** Tracks open connections, with the last request of each; undefined before the first one, because browsers open some in advance. */
function trackConnections(app: NestFastifyApplication): ReadonlyMap<Socket, IncomingMessage | undefined> {
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
 * Closes the application after all requests under way have been answered. Node.js closes connections that are idle when the server
 * closes, and waits for all others. This also closes connections that become idle later or never had a request, and requests
 * that are still incomplete after {@link LAST_ARRIVAL_MS}.
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
