import type { ErrorCatalogue } from './catalogue.js';

export const pointLedgerErrors = {} as const satisfies ErrorCatalogue;
