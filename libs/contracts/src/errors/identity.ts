import type { ErrorCatalogue } from './catalogue.js';

export const identityErrors = {} as const satisfies ErrorCatalogue;
