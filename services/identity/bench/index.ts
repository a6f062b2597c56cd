export { verificationRows } from './verification.js';
