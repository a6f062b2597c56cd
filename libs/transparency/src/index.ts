export { type Audited, type AuditOptions, auditLog } from './audit/audit-log.js';
export { auditProof } from './audit/audit-proof.js';
export type { AuditFinding } from './audit/findings.js';
export { originOf, readCheckpoint } from './checkpoint.js';
export { ExportDamaged, type ExportHeader, type ExportLine } from './export/format.js';
export { type ImportTarget, importLog, StoreNotEmpty } from './export/import-log.js';
export { readExport } from './export/read-export.js';
export { type ExportSource, exportLog } from './export/write-export.js';
export { type EventProof, type LeafProof, LogTree, type TreeConsistency } from './log-tree.js';
export { type NoteVerifier, parseVerifier, verifierText } from './signed-note.js';
export { TreeKeeper, type TreeKeeperOptions, type TreeKeeping, type TreeStatus } from './tree-keeper.js';
export { type Head, TreeStore } from './tree-store.js';

/** Numbered SQL for each service's schema: the trees of its logs and their signed heads. */
export const transparencyMigrations = new URL('./migrations/', import.meta.url);
