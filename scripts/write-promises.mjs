// `npm run promises`: writes docs/promises.md.
import { writeFileSync } from 'node:fs';
import { promises } from './promises.mjs';

writeFileSync('docs/promises.md', promises());
