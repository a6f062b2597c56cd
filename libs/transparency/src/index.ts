export { checkpointText, openCheckpoint, originOf, parseCheckpoint, readCheckpoint } from './checkpoint.js';
