import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { databaseOptions } from '../database/options.js';
import { AppModule } from '../app.module.js';
import { PROVIDERS } from '../auth/social/providers.js';
import { loadConfig } from '../config/config.js';
import { createHttpAdapter } from '../http/http-adapter.js';
import { createLogger } from '../logging/logging.js';
import { packageRoot } from '../config/package-root.js';
import { describeApi } from '../openapi/document.js';

/** `npm run openapi`: writes `docs/openapi.json` from the decorators of the routes, without starting the application. */
const config = loadConfig(PROVIDERS, { LOG_LEVEL: 'silent' });
const app = await NestFactory.create<NestFastifyApplication>(
  AppModule.forRoot(config, databaseOptions({ url: 'postgres://localhost', poolSize: 1 })),
  createHttpAdapter(config, createLogger(config)),
  { preview: true, logger: false },
);
writeFileSync(join(packageRoot(), 'docs', 'openapi.json'), `${JSON.stringify(describeApi(app), null, 2)}\n`);
