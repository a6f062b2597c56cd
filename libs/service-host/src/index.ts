export type { EventProof } from '@tsunagu/transparency';
export { signAccessToken, TokenVerifier, tokenAudience, tokenIssuer } from './access-token.js';
export { bootService } from './boot.js';
export { logSettings } from './boot-settings.js';
export {
  type Caller,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  ForProviders,
  Idempotent,
  KeptAnswer,
  Public,
  type Role,
  Roles,
  roles,
} from './caller.js';
export {
  type ClockSetting,
  forwardClock,
  openClock,
  type PlatformClock,
  type Profile,
  readOffset,
  recordedProfile,
  recordProfile,
  setClock,
} from './clock.js';
export {
  ConfigError,
  choiceSetting,
  type Environment,
  numberSetting,
  textSetting,
  urlSetting,
} from './config.js';
export { createService, type RunningService } from './create-service.js';
export { EndedSessions } from './ended-sessions.js';
export { answerClientError, serverLimits } from './http-edge.js';
export { HttpQuestions, type HttpQuestionsOptions } from './http-questions.js';
export { outlivedAfterMs, retireKey, rotateKey, shownFirstMs } from './key-rotation.js';
export {
  currentKey,
  type KeyAlgorithm,
  type KeyGeneration,
  type KeyUse,
  keysOf,
  loadOrCreateKey,
  loadOrCreateSecret,
  publicKeys,
  readSecret,
  type SigningKey,
} from './keyring.js';
export { LogTrees } from './log-trees.js';
export { createLogger, noteLook } from './logger.js';
export { serviceRegistry } from './metrics.js';
export { type MigrationTarget, migrate, migrateLog, migratePlatform, servicePool } from './migrate.js';
export { type OpenedLogs, openLogs } from './open-logs.js';
export {
  CLOCK,
  CONFIG,
  DATABASE,
  ENDED_SESSIONS,
  EVENT_LOG,
  EVENT_LOGS,
  LOG_TREES,
  LOGGER,
  METRICS,
  PARTS,
  PROJECTIONS,
  type ProjectionReader,
  QUESTIONS,
  type ServiceDefinition,
  type ServiceParts,
  versionsOf,
} from './parts.js';
export { Problem, type ProblemAnswer, problemAnswer, valueOrProblem } from './problem.js';
export { type Questions, QuestionUnanswered } from './questions.js';
export { Rounds } from './rounds.js';
export { type SpooledFile, spool, Upload, UploadedFile, type UploadRoute } from './uploads.js';
export { until, waitSeconds } from './wait.js';
