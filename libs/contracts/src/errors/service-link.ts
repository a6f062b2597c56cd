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
} as const satisfies ErrorCatalogue;
