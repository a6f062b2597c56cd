import type { ErrorCatalogue } from './catalogue.js';

/** Proofs of what stands in a log, which every service answers. */
export const logErrors = {
  'log.not_signed_yet': {
    status: 409,
    title: {
      en: 'No signed head reaches so far yet.',
      ja: '署名済みのログ見出しはまだそこまで達していません。',
    },
    next: {
      en: 'Ask again after retryAfterSeconds: heads are signed as the log grows.',
      ja: 'retryAfterSeconds 秒後に再度お試しください。ログの増加に応じて順次署名されます。',
    },
  },
  'log.record_changed': {
    status: 409,
    title: {
      en: 'The record is not the one that was signed.',
      ja: '記録が署名時のものと一致しません。',
    },
    next: {
      en: 'Keep the proof that you have and tell the operator: the record was changed after it was signed.',
      ja: 'お持ちの証明を保管し、運営者に連絡してください。署名後に記録が変更されています。',
    },
  },
} as const satisfies ErrorCatalogue;
