import fc from 'fast-check';
import { expiryWork } from '../work.js';
import type { ActionKind } from './action.js';

/** The day's run of the expiry job. */
export const expiry: ActionKind<null> = {
  arbitrary: fc.constant(null),
  prepare: ({ reference, nowMs }) => expiryWork(reference, nowMs),
};
