import type { ErrorCatalogue } from './catalogue.js';

export const campaignErrors = {
  'campaign.not_open': {
    status: 409,
    title: { en: 'The campaign does not take claims now.', ja: 'このキャンペーンは現在申込を受け付けていません。' },
    next: {
      en: 'Claim between opensAt and closesAt.',
      ja: 'opensAt から closesAt までの間に申し込んでください。',
    },
  },
  'campaign.paused': {
    status: 409,
    title: { en: 'The campaign is paused for the moment.', ja: 'このキャンペーンは一時停止中です。' },
    next: {
      en: 'Ask again after retryAfterSeconds; claims made before keep their receipts.',
      ja: 'retryAfterSeconds 秒後に再度お試しください。申込済みの受付番号は有効です。',
    },
  },
  'campaign.not_eligible': {
    status: 403,
    title: { en: 'The conditions of this measure are not met.', ja: 'この施策の条件を満たしていません。' },
    next: {
      en: 'See errors: "unknown" is cured by letting the attributes be read from the card.',
      ja: 'errors を確認してください。unknown はカードの券面情報の読み取りで解消できます。',
    },
  },
  'campaign.person_merged': {
    status: 409,
    title: {
      en: 'This registration was joined with another one of yours.',
      ja: 'この登録は、あなたの別の登録と統合されました。',
    },
    next: {
      en: 'Sign in again with any of your cards and claim with the new session.',
      ja: 'いずれかのカードで再度ログインし、新しいセッションで申し込んでください。',
    },
  },
  'campaign.wrong_state': {
    status: 409,
    title: { en: 'The campaign is not in a state for this.', ja: 'キャンペーンの状態がこの操作に合いません。' },
    next: {
      en: 'Read the campaign and see its state: draft, scheduled, open, paused or closed.',
      ja: 'キャンペーンの状態（draft, scheduled, open, paused, closed）を確認してください。',
    },
  },
  'campaign.changed_meanwhile': {
    status: 412,
    title: {
      en: 'The campaign has changed since it was read.',
      ja: '読み取った後にキャンペーンが変更されました。',
    },
    next: {
      en: 'Read it again and send its ETag as If-Match.',
      ja: '再度読み取り、その ETag を If-Match に指定してください。',
    },
  },
  'campaign.fund_mismatch': {
    status: 422,
    title: {
      en: 'A measure names a fund that this campaign cannot draw from.',
      ja: 'この施策では指定された原資を使えません。',
    },
    next: {
      en: "Name a fund of the same owner whose dryRun equals the campaign's.",
      ja: '同じ所有者の原資で、dryRun がキャンペーンと一致するものを指定してください。',
    },
  },
  'campaign.programme_unknown': {
    status: 422,
    title: { en: 'There is no such programme for this owner.', ja: '指定された事業は存在しないか、利用できません。' },
    next: {
      en: 'Name a programme of your own or "default".',
      ja: '自らの事業か default を指定してください。',
    },
  },
  'campaign.programme_exists': {
    status: 409,
    title: { en: 'A programme with this id exists already.', ja: 'この ID の事業はすでに存在します。' },
    next: { en: 'Choose another programmeId.', ja: '別の programmeId を選んでください。' },
  },
} as const satisfies ErrorCatalogue;
