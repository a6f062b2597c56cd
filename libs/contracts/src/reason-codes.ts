/** Why a claim, an exchange or a link ended without what was asked for: `reasonCode` of its answer. */
export interface ReasonCode {
  /** What the person is told. */
  readonly meaning: { readonly en: string; readonly ja: string };
  /** What the person can do. */
  readonly next: { readonly en: string; readonly ja: string };
  /** The same claim can still be granted once its cause is gone. */
  readonly curable?: boolean;
}

const askSupport = {
  en: 'Tell support the receipt number.',
  ja: '受付番号を添えてサポートへお問い合わせください。',
};
const anotherAccount = {
  en: 'Link another account at this provider, or another provider.',
  ja: 'この事業者の別のアカウント、または別の事業者を連携してください。',
};

const linkAnew = { en: 'Link an account anew.', ja: 'アカウントを改めて連携してください。' };
const seeLinks = { en: 'See the list of your links.', ja: '連携の一覧を確認してください。' };
const askSupportLink = { en: 'Tell support the linkId.', ja: 'linkId を添えてサポートへお問い合わせください。' };

/** Reasons that the platform gives itself. A provider's own reasons pass through unchanged and may be others. */
export const reasonCodes = {
  claim: {
    fund_exhausted: {
      meaning: { en: 'The fund of this measure is used up.', ja: 'この施策の原資が上限に達しました。' },
      next: {
        en: 'Claim again later: when the fund is raised, the claim goes on under the same receipt.',
        ja: '原資が増額された後に再度申し込んでください。同じ受付番号で処理されます。',
      },
      curable: true,
    },
    already_granted: {
      meaning: { en: 'The points of this measure were granted already.', ja: 'この施策のポイントは付与済みです。' },
      next: { en: 'See the points in your account.', ja: 'アカウントのポイントを確認してください。' },
    },
    fund_unknown: {
      meaning: { en: "The measure's fund is not known to the ledger.", ja: '施策の原資が台帳に登録されていません。' },
      next: askSupport,
    },
    amount_invalid: {
      meaning: { en: 'The measure grants no points.', ja: '施策の付与ポイントが正しくありません。' },
      next: askSupport,
    },
    identity_review: {
      meaning: {
        en: 'Somebody with the same name, birth date and sex is known: staff look whether it is you.',
        ja: '氏名・生年月日・性別が同じ方が登録されているため、係員が確認しています。',
      },
      next: {
        en: 'Wait: the claim and its receipt stand, and it goes on by itself.',
        ja: 'そのままお待ちください。申込みと受付番号は有効で、確認後に自動的に処理されます。',
      },
    },
    persons_merged: {
      meaning: {
        en: 'You were registered twice; the claims of this registration are closed.',
        ja: '二重に登録されていたため、この登録での申込みは終了しました。',
      },
      next: {
        en: 'Sign in with your card and look at your claims: where there is none for this measure, claim it.',
        ja: 'カードでログインし、申込みを確認してください。この施策の申込みがなければ、改めて申し込んでください。',
      },
    },
    consent_withdrawn: {
      meaning: {
        en: 'You withdrew the use of what was read from your card before the points were granted.',
        ja: 'ポイント付与の前に、カードから読み取った情報の利用への同意が撤回されました。',
      },
      next: {
        en: 'If you want the points, let your card be read again and claim once more: the claim goes on under the same receipt.',
        ja: 'ポイントを希望する場合は、カードを再度読み取ってから改めて申し込んでください。同じ受付番号で処理されます。',
      },
      curable: true,
    },
    identity_revoked: {
      meaning: {
        en: 'Your card or phone was revoked before the points were granted, and none that is good is known.',
        ja: 'ポイント付与の前に、お使いのカードまたはスマートフォンの証明書が失効し、有効なものが確認できません。',
      },
      next: {
        en: 'Sign in with your new card, or with the national login, and claim once more: the claim goes on under the same receipt.',
        ja: '新しいカードまたは認証アプリでログインしてから改めて申し込んでください。同じ受付番号で処理されます。',
      },
      curable: true,
    },
    person_erased: {
      meaning: {
        en: 'What was known of you was erased before the points were granted.',
        ja: 'ポイント付与の前に、ご本人の情報が消去されました。',
      },
      next: askSupport,
    },
    fund_mismatch: {
      meaning: {
        en: "The measure's fund does not fit the campaign.",
        ja: '施策の原資がキャンペーンと一致していません。',
      },
      next: askSupport,
    },
  },
  exchange: {
    insufficient_points: {
      meaning: {
        en: 'There are fewer exchangeable points than asked for.',
        ja: '交換できるポイントが不足しています。',
      },
      next: {
        en: 'Look at exchangeablePoints and exchange at most so many.',
        ja: '交換可能ポイントを確認し、その範囲で交換してください。',
      },
    },
    points_not_usable_yet: {
      meaning: {
        en: 'There are enough points, but some can only be used later.',
        ja: 'ポイントは足りていますが、一部はまだ利用できません。',
      },
      next: {
        en: 'Look at usableFrom of your points and exchange them from then on, or exchange fewer now.',
        ja: 'ポイントの利用開始日時を確認し、それ以降に交換するか、今は少ないポイントで交換してください。',
      },
    },
    credited_in_part: {
      meaning: {
        en: 'The provider credited a part; the rest of the points is back.',
        ja: '事業者が一部のみ付与したため、残りのポイントは戻されました。',
      },
      next: {
        en: 'See the points in your account; exchange the rest anew if you like.',
        ja: 'アカウントのポイントを確認し、必要なら残りを改めて交換してください。',
      },
    },
    exchange_ended: {
      meaning: {
        en: 'The exchange had ended before the points were held.',
        ja: 'ポイント確保の前に交換が終了しました。',
      },
      next: {
        en: 'Start a new exchange; no points were taken.',
        ja: '新しい交換を行ってください。ポイントは減っていません。',
      },
    },
    provider_rejected: {
      meaning: {
        en: 'The provider refused the exchange and gave no reason.',
        ja: '事業者が理由を示さず交換を拒否しました。',
      },
      next: {
        en: 'The points are back in the account; ask the provider, or exchange to another one.',
        ja: 'ポイントは戻っています。事業者へ確認するか、別の事業者へ交換してください。',
      },
    },
    link_ended: {
      meaning: {
        en: 'The link had ended before anything was sent to the provider.',
        ja: '事業者への送信前に連携が終了しました。',
      },
      next: {
        en: 'The points are back in the account; exchange over a link that stands.',
        ja: 'ポイントは戻っています。有効な連携で交換してください。',
      },
    },
    cancelled_at_provider: {
      meaning: {
        en: 'The exchange was called off, and the provider refuses it for ever.',
        ja: '交換は取り消され、事業者側でも無効になりました。',
      },
      next: {
        en: 'The points are back in the account; start a new exchange.',
        ja: 'ポイントは戻っています。新しい交換を行ってください。',
      },
    },
  },
  link: {
    security_code_wrong: {
      meaning: { en: 'The provider did not accept the security code.', ja: 'セキュリティコードが正しくありません。' },
      next: {
        en: 'Read the code again at the provider and link anew.',
        ja: '事業者のコードを確認し、もう一度連携してください。',
      },
    },
    account_taken: {
      meaning: {
        en: 'Another person has linked this account in the meantime.',
        ja: 'このアカウントは別の方が連携済みです。',
      },
      next: anotherAccount,
    },
    provider_already_chosen: {
      meaning: { en: 'A provider is chosen already in this programme.', ja: 'この事業では連携先を選択済みです。' },
      next: { en: 'Use the provider that is linked.', ja: '連携済みの事業者を利用してください。' },
    },
    provider_refused: {
      meaning: {
        en: 'The provider refused the account and gave no reason.',
        ja: '事業者が理由を示さずアカウントの確認を拒否しました。',
      },
      next: {
        en: 'Ask the provider, or link another account.',
        ja: '事業者へ確認するか、別のアカウントを連携してください。',
      },
    },
    denied_by_person: {
      meaning: { en: 'The person said no on the page of the provider.', ja: '事業者のページでご本人が拒否しました。' },
      next: linkAnew,
    },
    code_not_accepted: {
      meaning: { en: 'The provider did not accept the return.', ja: '事業者が戻り情報を受け付けませんでした。' },
      next: linkAnew,
    },
    confirmation_expired: {
      meaning: { en: 'The link was not confirmed in time.', ja: '期限内に連携が確認されませんでした。' },
      next: { en: 'Link anew and confirm it.', ja: 'もう一度連携し、確認してください。' },
    },
    ended_by_person: {
      meaning: { en: 'The person ended the link.', ja: 'ご本人が連携を終了しました。' },
      next: linkAnew,
    },
    person_erased: {
      meaning: { en: "The person's data were erased.", ja: 'ご本人の情報が消去されました。' },
      next: { en: 'Nothing: it cannot be undone.', ja: '取り消すことはできません。' },
    },
    wrong_person: {
      meaning: {
        en: 'The link was made for a wrong person and was corrected.',
        ja: '別の方の名義での連携だったため訂正されました。',
      },
      next: askSupportLink,
    },
    swapped_pair: {
      meaning: {
        en: 'Two accounts had been swapped; the right link stands in the list.',
        ja: '二人のアカウントが入れ替わっていたため訂正されました。',
      },
      next: seeLinks,
    },
    typing_mistake: {
      meaning: {
        en: 'The account id had been mistyped; the link was corrected.',
        ja: 'アカウント ID の入力誤りのため訂正されました。',
      },
      next: linkAnew,
    },
    provider_mistake: {
      meaning: {
        en: 'The provider had confirmed a wrong account; the link was corrected.',
        ja: '事業者の誤りのため訂正されました。',
      },
      next: linkAnew,
    },
    deceased: {
      meaning: { en: 'The person has died.', ja: 'ご本人が亡くなられたため終了しました。' },
      next: askSupportLink,
    },
    moved_away: {
      meaning: { en: 'The person has moved away.', ja: '転出のため終了しました。' },
      next: askSupportLink,
    },
    provider_unreachable: {
      meaning: { en: 'The provider did not answer in time.', ja: '事業者から期限内に応答がありませんでした。' },
      next: { en: 'Link anew later.', ja: '時間をおいて、もう一度連携してください。' },
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, ReasonCode>>>>;

export type ClaimReason = keyof typeof reasonCodes.claim;
export type ExchangeReason = keyof typeof reasonCodes.exchange;
export type LinkReason = keyof typeof reasonCodes.link;
