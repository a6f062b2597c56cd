import type { ErrorCatalogue } from './catalogue.js';

export const exchangeSettlementErrors = {} as const satisfies ErrorCatalogue;
