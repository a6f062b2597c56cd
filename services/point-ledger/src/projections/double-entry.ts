import type { Projection } from '@tsunagu/event-store';
import { correctionTypes } from '../domain/correction.js';
import { recordCorrections } from './corrections.js';
import { recordFundChanges } from './fund-changes.js';
import { recordPostings } from './postings.js';

/** All that statements are made of. One projection and one checkpoint, so that a reader sees one state of the log. */
export const doubleEntryProjection: Projection = {
  name: 'double-entry',
  tables: ['postings', 'posting_days', 'posting_hours', 'fund_changes', 'corrections'],
  types: [
    'FundCommitted',
    'FundLowered',
    'FundLeased',
    'FundReturned',
    'PointsGranted',
    'PointsHeld',
    'HoldCaptured',
    'HoldReleased',
    'PointsExpired',
    'ReceivableRecorded',
    'ReceivableRepaid',
    ...correctionTypes,
  ],
  async apply(client, events) {
    await recordPostings(client, events);
    await recordFundChanges(client, events);
    await recordCorrections(client, events);
  },
};
