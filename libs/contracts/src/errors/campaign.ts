import type { ErrorCatalogue } from './catalogue.js';

export const campaignErrors = {} as const satisfies ErrorCatalogue;
