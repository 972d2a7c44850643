import { availableParallelism } from 'node:os';

/** ES modules as they are; TypeScript through swc, with the decorator metadata that Nest and TypeORM read. */
const swc = [
  '@swc/jest',
  {
    jsc: {
      target: 'es2023',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      keepClassNames: true,
    },
    module: { type: 'es6' },
  },
];

const common = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^@node-rs/argon2$': '<rootDir>/test/support/argon2.ts',
    // Relative imports of TypeScript; the packages of node_modules have real `.js` files.
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': swc,
    // ES modules that CommonJS packages `require`: plain Node.js 20.19 can do that, Jest's module loader cannot.
    'node_modules/(cookie|content-disposition)/.+\\.js$': [
      '@swc/jest',
      { jsc: { target: 'es2023' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(cookie|content-disposition)/)'],
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
};

/** Suites that run a second time, on embedded databases: one of each module. The suites of the page use one as well. */
const EMBEDDED = [
  'auth/retention',
  'auth/sessions/refresh-and-logout',
  'auth/social/login',
  'boards/posts',
  'outbox/outbox',
  'users/users',
];

export default {
  projects: [
    { ...common, displayName: 'tests', testMatch: ['<rootDir>/test/**/*.test.ts'] },
    {
      ...common,
      displayName: 'embedded',
      testMatch: EMBEDDED.map((suite) => `<rootDir>/test/${suite}.test.ts`),
      setupFiles: ['<rootDir>/test/support/embedded.mjs'],
    },
  ],
  testSequencer: '<rootDir>/test/support/slowest-first.mjs',
  testTimeout: 120_000,
  // One more than cores, because suites also wait. With more, requests in them run out of their time.
  maxWorkers: Number(process.env.TEST_WORKERS ?? availableParallelism() + 1),
  // Jest keeps about 80 MB of each suite, which makes garbage collection slow.
  workerIdleMemoryLimit: '1500MB',
};
