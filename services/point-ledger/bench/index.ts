export { grantRows } from './grants.js';
export { longAccountRows } from './long-accounts.js';
export { rebuildRows } from './rebuild.js';
export { singleGrantRows } from './singles.js';
