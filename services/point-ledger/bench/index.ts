export { firstReadRows } from './first-reads.js';
export { grantRows } from './grants.js';
export { longAccountRows } from './long-accounts.js';
export { type FilledLog, fill, millionRows, openFilledLog } from './millions.js';
export { rebuildRows } from './rebuild.js';
export { singleGrantRows } from './singles.js';
