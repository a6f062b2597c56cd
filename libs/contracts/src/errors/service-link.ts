import type { ErrorCatalogue } from './catalogue.js';

export const serviceLinkErrors = {} as const satisfies ErrorCatalogue;
