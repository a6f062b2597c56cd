import type { ErrorCatalogue } from './catalogue.js';

/** Codes that every service can answer. */
export const edgeErrors = {
  'auth.token_invalid': {
    status: 401,
    title: {
      en: 'The access token is missing, expired or not valid.',
      ja: 'アクセストークンがないか、期限切れか、無効です。',
    },
    next: {
      en: 'Sign in again and repeat the call with the new token.',
      ja: '再度ログインし、新しいトークンで呼び出してください。',
    },
  },
  'auth.role_required': {
    status: 403,
    title: {
      en: 'This token does not have the role that the call needs.',
      ja: 'このトークンには必要な権限がありません。',
    },
    next: { en: 'Use a token with one of the roles named.', ja: '必要な権限を持つトークンを使ってください。' },
  },
  'request.invalid': {
    status: 400,
    title: { en: 'The request is not valid.', ja: 'リクエストが正しくありません。' },
    next: {
      en: 'Correct the fields named in errors and send it again.',
      ja: 'errors に示された項目を直して送信してください。',
    },
  },
  'request.my_number': {
    status: 400,
    title: { en: 'A My Number must not be sent here.', ja: '個人番号（マイナンバー）は送信できません。' },
    next: {
      en: 'Nothing of it was kept. Leave it out. Another number that merely looks like one cannot be used either.',
      ja: '内容は保存されていません。個人番号を除いて送信してください。形式が同じ別の番号も使えません。',
    },
  },
  'request.too_large': {
    status: 413,
    title: { en: 'The request is larger than this call accepts.', ja: 'リクエストが大きすぎます。' },
    next: { en: 'Send less in one call.', ja: '一回の送信量を減らしてください。' },
  },
  'request.unsupported_media_type': {
    status: 415,
    title: { en: 'The body must be JSON.', ja: '本文は JSON である必要があります。' },
    next: { en: 'Send Content-Type: application/json.', ja: 'Content-Type: application/json で送信してください。' },
  },
  'request.not_found': {
    status: 404,
    title: { en: 'There is nothing here for you.', ja: '見つかりません。' },
    next: { en: 'Check the address and the id.', ja: 'アドレスと ID を確認してください。' },
  },
  'request.method_not_allowed': {
    status: 405,
    title: { en: 'This address does not take this method.', ja: 'このメソッドは使えません。' },
    next: { en: 'See the OpenAPI document of the service.', ja: 'サービスの OpenAPI 文書を確認してください。' },
  },
  'request.idempotency_key_required': {
    status: 400,
    title: { en: 'This call needs an Idempotency-Key header.', ja: 'Idempotency-Key ヘッダーが必要です。' },
    next: {
      en: 'Send a key of 1 to 255 printable ASCII characters, the same one for every repetition.',
      ja: '1〜255 文字の ASCII のキーを付け、再送時も同じキーを使ってください。',
    },
  },
  'request.idempotency_key_reused': {
    status: 422,
    title: {
      en: 'This Idempotency-Key was used with another body.',
      ja: 'この Idempotency-Key は別の内容で使用済みです。',
    },
    next: { en: 'Use a new key for a new request.', ja: '新しいリクエストには新しいキーを使ってください。' },
  },
  'request.idempotency_in_progress': {
    status: 409,
    title: { en: 'The first call with this key is still running.', ja: '同じキーの最初の呼び出しが処理中です。' },
    next: { en: 'Wait a moment and repeat it with the same key.', ja: '少し待って同じキーで再送してください。' },
  },
  'service.unavailable': {
    status: 503,
    title: {
      en: 'The service cannot answer right now; nothing was lost.',
      ja: '現在応答できません。何も失われていません。',
    },
    next: { en: 'Repeat the call after retryAfterSeconds.', ja: 'retryAfterSeconds 秒後に再送してください。' },
  },
  'service.internal_error': {
    status: 500,
    title: { en: 'An error on our side.', ja: 'システム側のエラーです。' },
    next: {
      en: 'Repeat the call; if it fails again, tell support the traceId.',
      ja: '再送し、解決しない場合は traceId をお知らせください。',
    },
  },
} as const satisfies ErrorCatalogue;
