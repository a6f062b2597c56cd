export { type PostgresOptions, PostgresStartError, type RunningPostgres, startPostgres } from './embedded-postgres.js';
export {
  type Card,
  certificateHash,
  freshKeys,
  type KeySource,
  keyPool,
  type NewCardOptions,
  newCard,
  newCards,
} from './issuer/card.js';
export {
  type AuthorityKind,
  type CardAuthority,
  createAuthority,
  issueLeaf,
  issuingPointUri,
  type LeafRequest,
} from './issuer/card-authority.js';
export {
  changeAttributes,
  holdCard,
  issuePhone,
  type LifeOptions,
  type NextCardOptions,
  reissueCard,
  renewCard,
  revokeCard,
} from './issuer/card-life.js';
export { type IssuerMode, IssuerServer, type LinkAnswer, workingIssuer } from './issuer/issuer-server.js';
export {
  type CardHolder,
  type IssuedCard,
  IssuerStore,
  type RevocationReason,
  revocationReasons,
} from './issuer/issuer-store.js';
export {
  appointResponder,
  type OcspMode,
  type OcspSigner,
  ocspModes,
  signOcspResponse,
} from './issuer/ocsp-responder.js';
export { CuttingProxy } from './postgres/cutting-proxy.js';
export { type SmallDisk, type SmallDiskMeans, smallDisk, smallDiskMeans } from './postgres/small-disk.js';
export { type Replicated, startReplicated } from './postgres/standby.js';
export type { FaultMode } from './provider/credit-book.js';
export { jwksLookup } from './provider/jwks-lookup.js';
export {
  SimulatedProvider,
  type SimulatedProviderOptions,
  simulatedMaskedName,
  simulatedReference,
} from './provider/simulated-provider.js';
export { type TestDatabase, testDatabase, testPostgresUrl } from './test-database.js';
