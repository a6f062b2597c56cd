import type { ErrorCatalogue } from './catalogue.js';

const tapAgain = {
  en: 'Tap the card again: it has to sign a new challenge.',
  ja: 'もう一度カードをかざし、新しいチャレンジに署名してください。',
};
const newCard = {
  en: 'Use the newest card, or ask the municipality that issued it.',
  ja: '最新のカードを使うか、発行した市区町村に確認してください。',
};
const wait = {
  en: 'Nothing was changed: take a new challenge after retryAfterSeconds.',
  ja: '変更はありません。retryAfterSeconds 秒後に新しいチャレンジでやり直してください。',
};

const loginAgain = {
  en: 'Begin a new login.',
  ja: 'ログインを最初からやり直してください。',
};

export const identityErrors = {
  'identity.challenge_expired': {
    status: 401,
    title: { en: 'The challenge has expired or is not known.', ja: 'チャレンジの期限が切れたか、存在しません。' },
    next: tapAgain,
  },
  'identity.challenge_used': {
    status: 401,
    title: { en: 'The challenge was used before.', ja: 'このチャレンジは使用済みです。' },
    next: tapAgain,
  },
  'identity.busy': {
    status: 503,
    title: {
      en: 'More cards are presented right now than can be checked.',
      ja: '現在、カードの確認が混み合っています。',
    },
    next: wait,
  },
  'identity.signature_invalid': {
    status: 401,
    title: {
      en: 'The signature does not belong to this challenge and certificate.',
      ja: '署名がチャレンジまたは証明書と一致しません。',
    },
    next: tapAgain,
  },
  'identity.test_certificate': {
    status: 401,
    title: { en: 'This is a test certificate.', ja: 'テスト用の証明書です。' },
    next: { en: 'Use a real card.', ja: '本物のカードを使ってください。' },
  },
  'identity.chain_untrusted': {
    status: 401,
    title: {
      en: 'The certificate was not issued by an authority that is trusted here.',
      ja: '信頼された認証局が発行した証明書ではありません。',
    },
    next: { en: 'Use the certificate of an identity card.', ja: 'マイナンバーカードの証明書を使ってください。' },
  },
  'identity.certificate_expired': {
    status: 401,
    title: { en: 'The certificate is not valid today.', ja: '証明書の有効期間外です。' },
    next: newCard,
  },
  'identity.certificate_revoked': {
    status: 401,
    title: { en: 'The certificate was revoked.', ja: '証明書は失効しています。' },
    next: newCard,
  },
  'identity.policy_mismatch': {
    status: 401,
    title: {
      en: 'The certificate is not meant for this use.',
      ja: 'この用途の証明書ではありません。',
    },
    next: {
      en: 'Send the user-authentication certificate, and the signature certificate in attributes.',
      ja: '利用者証明用証明書を送り、署名用証明書は attributes に入れてください。',
    },
  },
  'identity.attributes_of_another': {
    status: 401,
    title: {
      en: 'The signature certificate does not belong to the card that signed in.',
      ja: '署名用証明書がこのカードのものではありません。',
    },
    next: {
      en: 'Sign both with the same card, or leave the attributes out.',
      ja: '同じカードで署名するか、attributes を省いてください。',
    },
  },
  'identity.under_review': {
    status: 409,
    title: { en: 'This card needs a check by staff.', ja: 'このカードは係員による確認が必要です。' },
    next: { en: 'Contact support.', ja: 'サポートに連絡してください。' },
  },
  'identity.second_person_required': {
    status: 403,
    title: { en: 'Another person has to approve this.', ja: '承認は別の担当者が行う必要があります。' },
    next: {
      en: 'Let somebody approve who did not propose it.',
      ja: '提案者以外の担当者が承認してください。',
    },
  },
  'identity.review_decided': {
    status: 409,
    title: { en: 'The review is decided.', ja: 'この確認案件は決定済みです。' },
    next: {
      en: 'Read it again; a wrong merge is undone by a split.',
      ja: '再度読み取ってください。誤った統合は分割で取り消せます。',
    },
  },
  'identity.nothing_proposed': {
    status: 409,
    title: { en: 'This decision is not the one that is proposed.', ja: '現在提案されている決定ではありません。' },
    next: {
      en: 'Read the review and approve the decisionId that it shows, or propose one.',
      ja: '案件を読み取り、表示された decisionId を承認するか、新たに提案してください。',
    },
  },
  'identity.decision_incomplete': {
    status: 422,
    title: { en: 'The decision does not fit the review.', ja: '決定の内容が案件に合いません。' },
    next: {
      en: 'Name only persons of the review, and for a contradiction of different persons whose certificate it is.',
      ja: '案件に関わる人のみを指定し、別人と判断した矛盾の場合は証明書の持ち主を指定してください。',
    },
  },
  'identity.not_mergeable': {
    status: 409,
    title: { en: 'These two persons cannot be merged.', ja: 'この二人は統合できません。' },
    next: {
      en: 'Name two different persons, neither of whom is merged into another one.',
      ja: '統合されていない、互いに異なる二人を指定してください。',
    },
  },
  'identity.not_merged': {
    status: 409,
    title: { en: 'This merge does not hold any more.', ja: 'この統合は現在有効ではありません。' },
    next: { en: 'Read the merge and see its state.', ja: '統合の状態を確認してください。' },
  },
  'identity.erased': {
    status: 409,
    title: {
      en: "This person's data were erased.",
      ja: 'この方の情報は消去されています。',
    },
    next: {
      en: 'An erasure is final: the card cannot be used here again. The desk of the programme explains what is possible.',
      ja: '消去は取り消せず、このカードは再び利用できません。詳しくは事業の窓口にお問い合わせください。',
    },
  },
  'identity.erasure_outdated': {
    status: 409,
    title: {
      en: 'The person was merged or split since the erasure was proposed.',
      ja: '消去の提案後に、対象の方の統合または分割が行われました。',
    },
    next: {
      en: 'Read the person again and propose a new erasure.',
      ja: '対象の方を再度確認し、新たに消去を提案してください。',
    },
  },
  'identity.revocation_unavailable': {
    status: 503,
    title: {
      en: 'It cannot be checked right now whether the certificate was revoked.',
      ja: '証明書の失効確認が現在できません。',
    },
    next: wait,
  },
  'identity.lineage_unavailable': {
    status: 503,
    title: {
      en: 'It cannot be checked right now which card this one follows.',
      ja: 'カードの更新履歴の確認が現在できません。',
    },
    next: wait,
  },
  'identity.login_expired': {
    status: 401,
    title: { en: 'The login has expired or is not known.', ja: 'ログインの期限が切れたか、存在しません。' },
    next: loginAgain,
  },
  'identity.login_used': {
    status: 401,
    title: { en: 'The login was completed before.', ja: 'このログインは完了済みです。' },
    next: loginAgain,
  },
  'identity.login_invalid': {
    status: 401,
    title: {
      en: 'What came back from the login does not prove it.',
      ja: '外部ログインからの応答を確認できませんでした。',
    },
    next: {
      en: 'Begin a new login, and complete it in the session that began it with the code and state that came back.',
      ja: '最初からやり直し、開始したときと同じセッションで、戻ってきた code と state を送ってください。',
    },
  },
  'identity.login_session_required': {
    status: 403,
    title: {
      en: 'A card is joined only in a session that the national login opened.',
      ja: 'カードの紐付けは、外部ログインで開始したセッションでのみ行えます。',
    },
    next: {
      en: 'Sign in with the national login and send its token, or leave out join to sign in with the card alone.',
      ja: '外部ログインでログインしてそのトークンを送るか、join を省いてカードのみでログインしてください。',
    },
  },
  'identity.login_signing_off': {
    status: 404,
    title: {
      en: "This platform does not use the login's signing function.",
      ja: 'このシステムは外部ログインの署名機能を利用していません。',
    },
    next: {
      en: 'Begin the login without sign. Whoever runs the platform sets TSUNAGU_LOGIN_SIGN_URL.',
      ja: 'sign を省いてログインを開始してください。運用担当者は TSUNAGU_LOGIN_SIGN_URL を設定できます。',
    },
  },
  'identity.login_unavailable': {
    status: 503,
    title: { en: 'The national login cannot be used right now.', ja: '外部ログインは現在利用できません。' },
    next: {
      en: 'Nothing was changed: send the same again after retryAfterSeconds, or sign in with the card.',
      ja: '変更はありません。retryAfterSeconds 秒後に同じ内容を送り直すか、カードでログインしてください。',
    },
  },
  'identity.staff_login_unavailable': {
    status: 503,
    title: { en: 'The staff login cannot be used right now.', ja: '職員ログインは現在利用できません。' },
    next: {
      en: 'Nothing was changed: send the same again after retryAfterSeconds. Open sessions go on.',
      ja: '変更はありません。retryAfterSeconds 秒後に同じ内容を送り直してください。開いているセッションはそのまま使えます。',
    },
  },
  'identity.staff_login_off': {
    status: 404,
    title: { en: 'This platform has no staff login.', ja: 'このシステムには職員ログインがありません。' },
    next: {
      en: 'Whoever runs the platform sets it up: TSUNAGU_STAFF_LOGIN_ISSUER and what belongs to it.',
      ja: '運用担当者に TSUNAGU_STAFF_LOGIN_ISSUER などの設定を依頼してください。',
    },
  },
  'identity.staff_not_admitted': {
    status: 403,
    title: {
      en: 'The login does not let you in here with this role.',
      ja: 'このログインではこの役割で利用できません。',
    },
    next: {
      en: 'Choose a role that you have, or ask whoever gives out groups in your organisation.',
      ja: '持っている役割を選ぶか、組織のグループ管理者に依頼してください。',
    },
  },
} as const satisfies ErrorCatalogue;
