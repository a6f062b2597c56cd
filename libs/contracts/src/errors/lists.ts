import type { ErrorCatalogue } from './catalogue.js';

const correctTheFile = {
  en: 'Correct the file as detail says and send it again to the same list.',
  ja: 'detail の内容に従ってファイルを直し、同じリストに再送してください。',
};

/** Of the point ledger's bulk grants by list. */
export const listErrors = {
  'point_ledger.list_measure_unknown': {
    status: 422,
    title: { en: 'Your campaigns have no such measure.', ja: '指定された施策が見つかりません。' },
    next: {
      en: "Name the campaignId and measureId of one of your owner's campaigns.",
      ja: '自団体のキャンペーンの campaignId と measureId を指定してください。',
    },
  },
  'point_ledger.list_encoding': {
    status: 422,
    title: { en: 'The encoding of the file is not known.', ja: 'ファイルの文字コードを判別できません。' },
    next: { en: 'Save it as CSV in UTF-8 or Shift_JIS.', ja: 'UTF-8 または Shift_JIS の CSV で保存してください。' },
  },
  'point_ledger.list_unreadable': {
    status: 422,
    title: { en: 'The file cannot be read as a list.', ja: 'ファイルを名簿として読み取れません。' },
    next: correctTheFile,
  },
  'point_ledger.list_columns': {
    status: 422,
    title: { en: 'The columns of the file are not those of a list.', ja: 'ファイルの列が名簿の形式と異なります。' },
    next: {
      en: 'Keep the columns personId, amountPoints and reference; take out every other one.',
      ja: '列は personId・amountPoints・reference のみとし、ほかの列は削除してください。',
    },
  },
  'point_ledger.list_my_number': {
    status: 422,
    title: {
      en: 'The file holds what looks like a My Number.',
      ja: '個人番号（マイナンバー）と思われる値が含まれています。',
    },
    next: {
      en: 'Take it out. If it is a number of your own that only looks like one, give those lines other references.',
      ja: '該当の値を削除してください。独自の番号の場合は別の整理番号に置き換えてください。',
    },
  },
  'point_ledger.list_too_long': {
    status: 422,
    title: { en: 'The list has more rows than one list may have.', ja: '名簿の行数が上限を超えています。' },
    next: { en: 'Divide it into several lists.', ja: '複数の名簿に分けてください。' },
  },
  'point_ledger.list_repeated': {
    status: 409,
    title: {
      en: 'A list of the same people and points exists for this measure.',
      ja: '同じ内容の名簿がこの施策に登録済みです。',
    },
    next: {
      en: 'Look at earlierListId. If it was brought by mistake and nothing of it is granted, discard it first.',
      ja: 'earlierListId の名簿を確認してください。誤登録で未付与なら先に破棄してください。',
    },
  },
  'point_ledger.list_wrong_state': {
    status: 409,
    title: { en: 'The list is not in the state for this.', ja: '名簿の状態がこの操作に合っていません。' },
    next: { en: 'Look at its state and do what comes next.', ja: '名簿の状態を確認し、次の操作を行ってください。' },
  },
  'point_ledger.list_busy': {
    status: 409,
    title: { en: 'The list is being compared.', ja: '名簿を照合中です。' },
    next: { en: 'Wait until the comparison stands on the list.', ja: '照合の完了を待ってください。' },
  },
  'point_ledger.list_not_compared': {
    status: 409,
    title: {
      en: 'The list was not compared with past grants for this fund.',
      ja: 'この原資での過去の付与との照合が行われていません。',
    },
    next: { en: 'Compare it first, and look at the outcome.', ja: '先に照合を行い、結果を確認してください。' },
  },
  'point_ledger.list_fund_mismatch': {
    status: 422,
    title: { en: 'The fund does not fit the list.', ja: '原資が名簿と一致していません。' },
    next: {
      en: 'Name a fund of your owner, of dry run where the campaign is.',
      ja: '自団体の原資を指定してください。試行の場合は試行用の原資が必要です。',
    },
  },
  'point_ledger.list_fund_short': {
    status: 409,
    title: { en: 'The fund does not reach for this stage.', ja: '原資の残高がこの段階の付与額に足りません。' },
    next: { en: 'Raise the fund and start the stage again.', ja: '原資を増額し、もう一度開始してください。' },
  },
} as const satisfies ErrorCatalogue;
