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
  'point_ledger.fund_not_enough_left': {
    status: 409,
    title: {
      en: 'The fund has fewer points left than it is to be lowered by.',
      ja: '原資の残りが減額するポイントより少なくなっています。',
    },
    next: {
      en: 'Lower it by at most undrawnPoints: what is drawn cannot be taken back from a fund.',
      ja: 'undrawnPoints 以下で減額してください。付与済みの分は減額できません。',
    },
  },
  'point_ledger.carry_over_mismatch': {
    status: 422,
    title: {
      en: 'Points cannot be carried over to that fund.',
      ja: 'その原資へは繰り越せません。',
    },
    next: {
      en: 'Name a fund of the same owner and kind, of a later fiscal year.',
      ja: '同じ所有者・種別で、後の年度の原資を指定してください。',
    },
  },
  'point_ledger.already_reversed': {
    status: 409,
    title: { en: 'This grant was reversed already.', ja: 'この付与は取消済みです。' },
    next: {
      en: 'See the reversal; a grant is reversed once.',
      ja: '取消の記録を確認してください。取消は一度だけです。',
    },
  },
  'point_ledger.receivable_closed': {
    status: 409,
    title: { en: 'Nothing is open of this receivable.', ja: 'この債権に残額はありません。' },
    next: { en: 'See how it was repaid or written off.', ja: '返済または免除の記録を確認してください。' },
  },
  'point_ledger.proposal_ended': {
    status: 409,
    title: { en: 'This proposal was approved or rejected already.', ja: 'この申請は承認済みまたは却下済みです。' },
    next: { en: 'Look at its state; propose anew where needed.', ja: '状態を確認し、必要なら新しく申請してください。' },
  },
  'point_ledger.second_person_required': {
    status: 403,
    title: { en: 'Another person must approve this.', ja: '申請した方とは別の方の承認が必要です。' },
    next: {
      en: 'Ask a colleague with the same role to approve it.',
      ja: '同じ権限を持つ別の担当者に承認を依頼してください。',
    },
  },
} as const satisfies ErrorCatalogue;
