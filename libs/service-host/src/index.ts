export {
  type Caller,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  Idempotent,
  Public,
  type Role,
  Roles,
  roles,
} from './caller.js';
export {
  CLOCK,
  CONFIG,
  DATABASE,
  EVENT_LOG,
  LOGGER,
  PARTS,
  PROJECTIONS,
  type ProjectionReader,
  QUESTIONS,
  type ServiceDefinition,
  type ServiceParts,
} from './parts.js';
export { Problem, valueOrProblem } from './problem.js';
export { type Questions, QuestionUnanswered } from './questions.js';
