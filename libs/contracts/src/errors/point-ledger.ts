import type { ErrorCatalogue } from './catalogue.js';

export const pointLedgerErrors = {
  'point_ledger.commitment_too_large': {
    status: 422,
    title: {
      en: 'The fund would hold more points than a fund can.',
      ja: '原資の合計が上限を超えます。',
    },
    next: {
      en: 'Raise it by less, or commit another fund.',
      ja: '増額を減らすか、別の原資を登録してください。',
    },
  },
} as const satisfies ErrorCatalogue;
