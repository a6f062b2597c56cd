import type { ErrorCatalogue } from './catalogue.js';

/** Codes of machines that get their tokens by signing for them. */
export const machineErrors = {
  'identity.client_invalid': {
    status: 401,
    title: { en: 'This machine did not prove who it is.', ja: 'クライアントの認証に失敗しました。' },
    next: {
      en: 'Sign a new assertion with a key that is registered for this client.',
      ja: '登録済みの鍵で新しいアサーションに署名してください。',
    },
  },
  'identity.client_exists': {
    status: 409,
    title: { en: 'There is a client of this id.', ja: 'この ID のクライアントは既に存在します。' },
    next: { en: 'Choose another id.', ja: '別の ID を選んでください。' },
  },
  'identity.client_disabled': {
    status: 409,
    title: { en: 'This client was disabled.', ja: 'このクライアントは無効化されています。' },
    next: { en: 'Register another client.', ja: '新しいクライアントを登録してください。' },
  },
} as const satisfies ErrorCatalogue;
