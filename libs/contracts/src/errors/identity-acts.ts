import type { ErrorCatalogue } from './catalogue.js';

const tapAgain = {
  en: 'Tap the card again: it has to sign a challenge with this purpose and operation.',
  ja: 'もう一度カードをかざし、この操作の purpose と operation のチャレンジに署名してください。',
};
const chooseAnother = { en: 'Choose another one.', ja: '別の ID を選んでください。' };

/** What identity refuses of a person who is known: proofs, freeze, consents, MyKey IDs, terminals and memberships. */
export const identityActErrors = {
  'identity.fresh_proof_required': {
    status: 403,
    title: {
      en: 'This needs a fresh proof by the card, for this very act.',
      ja: 'この操作には、カードによる新たな確認が必要です。',
    },
    next: tapAgain,
  },
  'identity.frozen': {
    status: 403,
    title: {
      en: 'Exchanges and changes of links are frozen for this person.',
      ja: '交換と連携の変更は停止されています。',
    },
    next: {
      en: 'Lift the freeze with the card: POST /identity/v1/freeze/lift.',
      ja: 'カードで停止を解除してください（POST /identity/v1/freeze/lift）。',
    },
  },
  'identity.consent_not_given': {
    status: 409,
    title: {
      en: 'There is no consent to withdraw: nothing was ever read of this person.',
      ja: '撤回できる同意がありません。情報は読み取られていません。',
    },
    next: {
      en: 'Nothing is needed: nothing is used. GET /identity/v1/consents shows what was consented.',
      ja: '手続きは不要です。同意の履歴は GET /identity/v1/consents で確認できます。',
    },
  },
  'identity.my_key_id_taken': {
    status: 409,
    title: { en: 'This MyKey ID is taken.', ja: 'このマイキーIDは使用されています。' },
    next: chooseAnother,
  },
  'identity.my_key_id_registered': {
    status: 409,
    title: {
      en: 'A MyKey ID is registered in this programme already.',
      ja: 'この事業では、すでにマイキーIDが登録されています。',
    },
    next: { en: 'Change it with PUT.', ja: 'PUT で変更してください。' },
  },
  'identity.my_key_id_not_registered': {
    status: 409,
    title: {
      en: 'No MyKey ID is registered in this programme yet.',
      ja: 'この事業では、まだマイキーIDが登録されていません。',
    },
    next: { en: 'Register one with POST.', ja: 'POST で登録してください。' },
  },
  'identity.my_key_id_missing': {
    status: 422,
    title: {
      en: 'The card brings no MyKey ID that this programme takes.',
      ja: 'カードの文字列は、この事業のマイキーIDとして使えません。',
    },
    next: { en: 'Choose one and send it as myKeyId.', ja: 'ID を選び、myKeyId で送ってください。' },
  },
  'identity.my_key_id_reserved': {
    status: 409,
    title: {
      en: 'Another MyKey ID is provisionally registered in this programme.',
      ja: 'この事業では、別のマイキーIDが仮登録されています。',
    },
    next: {
      en: 'Confirm it at a counter, or wait until it lapses.',
      ja: '窓口で本登録するか、仮登録の失効をお待ちください。',
    },
  },
  'identity.my_key_id_not_reserved': {
    status: 409,
    title: {
      en: 'There is no provisional registration to confirm, or it has lapsed.',
      ja: '確認できる仮登録がないか、失効しています。',
    },
    next: { en: 'Choose a MyKey ID again.', ja: 'マイキーIDを選び直してください。' },
  },
  'identity.terminal_session_ended': {
    status: 403,
    title: { en: 'The session at this terminal has ended.', ja: 'この端末のセッションは終了しています。' },
    next: { en: 'Tap the card again.', ja: 'もう一度カードをかざしてください。' },
  },
  'identity.already_registered': {
    status: 409,
    title: {
      en: 'This person is registered with this service already.',
      ja: 'このサービスには、すでに登録済みです。',
    },
    next: { en: 'Look the registration up.', ja: '登録内容を照会してください。' },
  },
  'identity.service_id_taken': {
    status: 409,
    title: {
      en: 'This service id is registered for another person.',
      ja: 'このサービスIDは、別の方が登録しています。',
    },
    next: { en: 'Check the service card.', ja: 'サービスカードを確認してください。' },
  },
  'identity.feed_off': {
    status: 409,
    title: {
      en: 'The feed of this service is switched off.',
      ja: 'このサービスへの通知は停止されています。',
    },
    next: {
      en: 'An operator of its owner switches it on and records the legal basis.',
      ja: '事業者の運用担当が、法的根拠を記録して有効にします。',
    },
  },
  'identity.webhook_refused': {
    status: 422,
    title: { en: "The webhook's address may not be called.", ja: 'この通知先は許可されていません。' },
    next: {
      en: 'Use an https address on the list of allowed hosts, or have the host added to it.',
      ja: '許可された https の通知先を使ってください。',
    },
  },
} as const satisfies ErrorCatalogue;
