import { startSandbox } from './sandbox.js';

const sandbox = await startSandbox({
  port: Number(process.env['SANDBOX_PORT'] ?? 4000),
  smtpPort: Number(process.env['SANDBOX_SMTP_PORT'] ?? 4025),
});
process.stdout.write(
  `Sandbox on ${sandbox.url}, mail on ${sandbox.smtpUrl}, mailbox at ${sandbox.url}/mailbox\n`,
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.close());
