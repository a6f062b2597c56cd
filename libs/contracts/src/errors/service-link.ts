import type { ErrorCatalogue } from './catalogue.js';

export const serviceLinkErrors = {
  'service_link.account_taken': {
    status: 409,
    title: {
      en: "This provider account is linked to another person's points.",
      ja: 'この決済サービスのアカウントは、すでに別の人が連携しています。',
    },
    next: {
      en: 'Use an account of your own; if this one is yours, tell support.',
      ja: 'ご自身のアカウントを使ってください。ご自身のものである場合はサポートにお知らせください。',
    },
  },
  'service_link.provider_already_chosen': {
    status: 409,
    title: {
      en: 'You have chosen a provider in this programme already.',
      ja: 'この事業では、すでに決済サービスを選択済みです。',
    },
    next: { en: 'Use the link named by linkId.', ja: 'linkId の連携を使ってください。' },
  },
  'service_link.provider_unknown': {
    status: 404,
    title: { en: 'There is no such provider.', ja: '該当する決済サービスがありません。' },
    next: { en: 'Choose one of GET /exchange/v1/providers.', ja: 'GET /exchange/v1/providers から選んでください。' },
  },
  'service_link.programme_unknown': {
    status: 404,
    title: { en: 'There is no such programme.', ja: '該当する事業がありません。' },
    next: { en: 'Leave programmeId out for the default one.', ja: 'programmeId を省くと既定の事業になります。' },
  },
  'service_link.wrong_state': {
    status: 409,
    title: { en: 'The link is not in a state that allows this.', ja: 'この状態では操作できません。' },
    next: { en: 'Read the link and go on from its state.', ja: '連携の状態を確認してください。' },
  },
  'service_link.redirect_not_at_terminal': {
    status: 403,
    title: {
      en: "A provider's own page is not used at a counter or kiosk.",
      ja: '窓口・キオスク端末では、事業者のページを使った連携はできません。',
    },
    next: {
      en: 'Type account id and security code here, or link on your own device.',
      ja: 'アカウント ID とセキュリティコードを入力するか、ご自身の端末で連携してください。',
    },
  },
  'service_link.return_not_allowed': {
    status: 422,
    title: { en: 'This page may not be returned to.', ja: '戻り先のページが許可されていません。' },
    next: {
      en: 'Use a page of TSUNAGU_LINK_RETURN_URLS, letter by letter.',
      ja: 'TSUNAGU_LINK_RETURN_URLS のページを一字一句そのまま指定してください。',
    },
  },
  'service_link.return_state_wrong': {
    status: 422,
    title: { en: 'This return does not belong to this link.', ja: 'この戻り情報はこの連携のものではありません。' },
    next: {
      en: 'Read the link and go to its authorizationUrl again.',
      ja: '連携を確認し、もう一度 authorizationUrl を開いてください。',
    },
  },
  'service_link.too_many_attempts': {
    status: 429,
    title: {
      en: 'Too many security codes were tried.',
      ja: 'セキュリティコードの入力回数が上限に達しました。',
    },
    next: {
      en: 'Wait for retryAfterSeconds, read the code again at the provider, then link anew.',
      ja: 'retryAfterSeconds の経過後、事業者でコードを確認してから、もう一度連携してください。',
    },
  },
  'service_link.not_disputed': {
    status: 409,
    title: { en: 'The link is not disputed.', ja: 'この連携には申立てがありません。' },
    next: {
      en: 'Dispute every link that the correction names first.',
      ja: '訂正対象のすべての連携について、先に申立てを行ってください。',
    },
  },
  'service_link.correction_mismatch': {
    status: 422,
    title: { en: 'The correction does not fit its pattern.', ja: '訂正の内容が事由と一致していません。' },
    next: {
      en: 'See docs/links.md for what each pattern allows.',
      ja: '各事由で可能な訂正は docs/links.md を確認してください。',
    },
  },
  'service_link.change_ended': {
    status: 409,
    title: { en: 'This change was approved or rejected before.', ja: 'この変更はすでに承認または却下されています。' },
    next: { en: 'Read the change.', ja: '変更の内容を確認してください。' },
  },
  'service_link.second_person_required': {
    status: 403,
    title: { en: 'Another person must approve this.', ja: '別の担当者による承認が必要です。' },
    next: {
      en: 'Ask a person who changed none of the links named.',
      ja: '対象の連携を変更していない担当者に依頼してください。',
    },
  },
  'service_link.account_not_confirmed': {
    status: 409,
    title: { en: 'The provider did not confirm the account.', ja: '事業者がアカウントを確認できませんでした。' },
    next: {
      en: 'Read account id and security code again at the provider.',
      ja: '事業者でアカウント ID とセキュリティコードを確認してください。',
    },
  },
  'service_link.account_not_taken': {
    status: 409,
    title: { en: 'No other person has linked this account.', ja: 'このアカウントは他の方に連携されていません。' },
    next: { en: 'Link the account.', ja: 'アカウントを連携してください。' },
  },
  'service_link.no_change_after_claim': {
    status: 409,
    title: {
      en: 'The link can no longer be changed: points were claimed in its programme.',
      ja: 'この事業で申込み済みのため、連携は変更できません。',
    },
    next: { en: 'Ask support if the link is wrong.', ja: '連携に誤りがある場合はサポートへお問い合わせください。' },
  },
  'service_link.exchanges_open': {
    status: 409,
    title: { en: 'Exchanges over this link are on their way.', ja: 'この連携で処理中の交換があります。' },
    next: { en: 'Wait until they have ended, then end the link.', ja: '交換の完了後に連携を終了してください。' },
  },
  'service_link.not_guardian': {
    status: 403,
    title: {
      en: "You are not recorded as this child's legal representative.",
      ja: 'この児童の法定代理人として登録されていません。',
    },
    next: { en: 'Ask staff to record it.', ja: '窓口で登録を依頼してください。' },
  },
  'service_link.of_age': {
    status: 403,
    title: { en: 'From the age of 15 the person links their own account.', ja: '15歳以上の方はご本人が連携します。' },
    next: { en: 'Let the person sign in and link the account.', ja: 'ご本人がログインして連携してください。' },
  },
  'service_link.age_unknown': {
    status: 403,
    title: { en: 'The age of the person is not known.', ja: '年齢が確認できていません。' },
    next: {
      en: 'Let the attributes be read from the card, or ask staff.',
      ja: 'カードから属性を読み取るか、窓口にご相談ください。',
    },
  },
} as const satisfies ErrorCatalogue;
