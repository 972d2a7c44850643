import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { databaseOptions } from '../ormconfig.js';
import { AppModule } from './app.module.js';
import type { Config } from './config.js';
import { openTarget } from './database/target.js';
import { configureHttp, createHttpAdapter } from './http.js';
import { nestLogger } from './logging.js';

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
      AppModule.from(config, databaseOptions(target), more),
      createHttpAdapter(config, logger),
      { logger: nestLogger(logger), bodyParser: false, abortOnError: false },
    );
    await configureHttp(app, config);
    const unused = unusedConnections(app);
    const arriving = arrivingRequests(app);
    return {
      app,
      close: async () => {
        try {
          await drain(app, unused, arriving);
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

/** The connections on which nothing was asked yet: browsers open some in advance. */
function unusedConnections(app: NestFastifyApplication): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  app
    .getHttpServer()
    .on('connection', (socket: Socket) => {
      unused.add(socket);
      socket.once('close', () => unused.delete(socket));
    })
    .on('request', ({ socket }) => unused.delete(socket));
  return unused;
}

/** The requests whose bodies are still on their way. */
function arrivingRequests(app: NestFastifyApplication): () => IncomingMessage[] {
  const underWay = new Set<IncomingMessage>();
  app.getHttpServer().on('request', (request: IncomingMessage, response: ServerResponse) => {
    underWay.add(request);
    response.once('close', () => underWay.delete(request));
  });
  return () => [...underWay].filter(({ complete }) => !complete);
}

/**
 * Closes the application once all requests under way have been answered. Node.js closes the connections that are idle at
 * the start; those that become idle later, and those on which nothing was ever asked, would be waited for. So would requests
 * that do not arrive, since Node.js does not look after them any more: they get a moment.
 */
async function drain(
  app: NestFastifyApplication,
  unused: ReadonlySet<Socket>,
  arriving: () => IncomingMessage[],
): Promise<void> {
  const server = app.getHttpServer();
  const begun = Date.now();
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    for (const socket of unused) socket.destroy();
    if (Date.now() - begun > LAST_ARRIVAL_MS) for (const request of arriving()) request.destroy();
  }, 50);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
  }
}
