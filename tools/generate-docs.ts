// npm run docs: writes the reference pages that are made from the contracts.
import { writeFileSync } from 'node:fs';
import { referencePages } from './reference-pages.js';

for (const [path, text] of referencePages()) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
  console.log(path);
}
