import type { ErrorCatalogue } from './catalogue.js';

export const exchangeSettlementErrors = {
  'exchange.insufficient_points': {
    status: 409,
    title: {
      en: 'The account does not have so many points that can be exchanged.',
      ja: '交換できるポイントが足りません。',
    },
    next: { en: 'Exchange at most exchangeablePoints.', ja: 'exchangeablePoints 以下で交換してください。' },
  },
  'exchange.points_not_usable_yet': {
    status: 409,
    title: {
      en: 'There are enough points, but some can only be used later.',
      ja: 'ポイントは足りていますが、一部はまだ利用できません。',
    },
    next: {
      en: 'See usableFrom of the lots, or exchange at most exchangeablePoints now.',
      ja: '利用開始日時を確認するか、exchangeablePoints 以下で交換してください。',
    },
  },
  'exchange.link_not_established': {
    status: 409,
    title: { en: 'The link to the provider is not established.', ja: '決済サービスとの連携が完了していません。' },
    next: {
      en: 'Wait until the link is established, or make another one.',
      ja: '連携の完了を待つか、新しく連携してください。',
    },
  },
  'exchange.not_in_units': {
    status: 422,
    title: { en: 'The provider takes points in whole units only.', ja: '交換は所定の単位で行う必要があります。' },
    next: { en: 'Exchange a multiple of unitPoints.', ja: 'unitPoints の倍数で交換してください。' },
  },
  'exchange.below_minimum': {
    status: 422,
    title: { en: 'The provider takes no fewer points than its minimum.', ja: '最低交換ポイントに達していません。' },
    next: { en: 'Exchange at least minimumPoints.', ja: 'minimumPoints 以上で交換してください。' },
  },
  'exchange.provider_differs': {
    status: 409,
    title: {
      en: 'This provider is registered with other facts of its own.',
      ja: 'この決済サービスは別の内容で登録済みです。',
    },
    next: {
      en: 'Send the name, address and units as they are registered; only the rate and the bank account are yours.',
      ja: '名称・アドレス・単位は登録済みの値を送ってください。',
    },
  },
  'exchange.provider_address_refused': {
    status: 422,
    title: { en: "The provider's address may not be called.", ja: 'この接続先は許可されていません。' },
    next: {
      en: 'Use an https address on the list of allowed hosts, or have the host added to it.',
      ja: '許可された https の接続先を使ってください。',
    },
  },
  'exchange.bank_account_invalid': {
    status: 422,
    title: { en: 'The bank account cannot be paid to as given.', ja: '振込先口座の内容が正しくありません。' },
    next: {
      en: 'Correct the fields named in errors; the payee name is written as at the bank.',
      ja: 'errors の項目を直してください。受取人名は口座名義のとおりに記入してください。',
    },
  },
  'settlement.provider_unknown': {
    status: 404,
    title: { en: 'You have no contract with such a provider.', ja: 'この決済サービスとの契約がありません。' },
    next: { en: 'Add your contract first.', ja: '先に契約を登録してください。' },
  },
  'settlement.period_not_over': {
    status: 409,
    title: { en: 'The period is not over in Japan yet.', ja: '対象期間がまだ終わっていません。' },
    next: { en: 'Close it from the day after its last day.', ja: '最終日の翌日以降に締めてください。' },
  },
  'settlement.overlaps': {
    status: 409,
    title: { en: 'Days of this period are settled already.', ja: 'この期間はすでに精算済みの日を含みます。' },
    next: { en: 'Choose days outside the settlement named.', ja: '示された精算と重ならない期間を選んでください。' },
  },
  'settlement.open_items': {
    status: 409,
    title: { en: 'Exchanges of this period are still open.', ja: 'この期間に未完了の交換があります。' },
    next: {
      en: 'Wait for them, or close with openItems "carry".',
      ja: '完了を待つか、openItems を "carry" にしてください。',
    },
  },
  'settlement.second_person_required': {
    status: 403,
    title: { en: 'Another person has to approve this settlement.', ja: 'この精算は別の担当者の承認が必要です。' },
    next: {
      en: 'Have it approved by someone who neither closed it nor changed the bank account.',
      ja: '締めた人と口座を変更した人以外が承認してください。',
    },
  },
  'settlement.not_approved': {
    status: 409,
    title: { en: 'The transfer file is released by the approval.', ja: '振込データは承認後に取得できます。' },
    next: { en: 'Have the settlement approved first.', ja: '先に精算の承認を受けてください。' },
  },
  'settlement.transfer_date_invalid': {
    status: 422,
    title: { en: 'The banks do not transfer on this date.', ja: 'この振込日は指定できません。' },
    next: {
      en: 'Choose a bank business day after today, within three months.',
      ja: '明日以降三か月以内の銀行営業日を指定してください。',
    },
  },
  'settlement.payer_not_configured': {
    status: 409,
    title: { en: "The payer's bank account is not set for this owner.", ja: '振込依頼人の設定がありません。' },
    next: { en: 'Have the operator set the payer of this owner.', ja: '運用担当者に依頼人の設定を依頼してください。' },
  },
  'settlement.amount_too_large': {
    status: 422,
    title: { en: 'One transfer file cannot carry this amount.', ja: '一つの振込データの上限を超えています。' },
    next: { en: 'Close shorter periods.', ja: '期間を分けて締めてください。' },
  },
} as const satisfies ErrorCatalogue;
