export { originOf } from './checkpoint.js';
export { type EventProof, type LeafProof, LogTree, type TreeConsistency } from './log-tree.js';
export { verifierText } from './signed-note.js';
export { TreeKeeper, type TreeKeeperOptions, type TreeStatus } from './tree-keeper.js';
export { type Head, TreeStore } from './tree-store.js';

/** Numbered SQL for each service's schema: the trees of its logs and their signed heads. */
export const transparencyMigrations = new URL('./migrations/', import.meta.url);
