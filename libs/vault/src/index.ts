export {
  fingerprintOf,
  type MasterUse,
  masterFile,
  type SealedRow,
  sealRow,
  secretOf,
  type VaultMaster,
  VaultMasters,
} from './masters.js';
export { PersonKeys, personKeysOf, type WrappedKey } from './person-keys.js';
export { Rewrapping } from './rewrapping.js';
export {
  knownFirstMs,
  type MasterGeneration,
  type MasterRefusal,
  mastersOf,
  type RewrappedBatch,
  retireMaster,
  rewrapBatch,
  rotateMaster,
} from './rotation.js';
export { keyedHash, open, seal, secretKey } from './seal.js';
