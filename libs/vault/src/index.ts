export { keyedHash, open, seal, secretKey } from './seal.js';
