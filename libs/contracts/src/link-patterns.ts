/** What a correction does to the links that it names. */
export type LinkOutcome = 'upheld' | 'ended' | 'moved';

export interface LinkCorrectionPattern {
  readonly meaning: { readonly en: string; readonly ja: string };
  readonly outcomes: readonly LinkOutcome[];
  /** The link must have been disputed before: what it sends is held back while staff look into it. */
  readonly needsDispute: boolean;
  /** Another person may link the provider account once the link has ended by this pattern. */
  readonly freesAccount: boolean;
}

/** The only reasons for which a link is disputed and corrected by staff (DOMAIN §1: defined patterns with evidence, not free text). */
export const linkPatterns = {
  dispute: {
    not_mine: {
      meaning: { en: 'The person did not make this link.', ja: 'ご本人が行った連携ではありません。' },
    },
    wrong_account: {
      meaning: { en: 'The link goes to a wrong account.', ja: '誤ったアカウントに連携されています。' },
    },
    account_is_mine: {
      meaning: {
        en: "The account of the link is somebody else's.",
        ja: '連携先のアカウントは別の方のものです。',
      },
    },
    provider_report: {
      meaning: { en: 'The provider reports a fault.', ja: '事業者から誤りの申告がありました。' },
    },
  },
  correction: {
    unfounded: {
      meaning: { en: 'The link is right as it is.', ja: '連携に誤りはありませんでした。' },
      outcomes: ['upheld'],
      needsDispute: true,
      freesAccount: false,
    },
    withdrawn: {
      meaning: { en: 'The dispute was withdrawn.', ja: '申立てが取り下げられました。' },
      outcomes: ['upheld'],
      needsDispute: true,
      freesAccount: false,
    },
    wrong_person: {
      meaning: { en: 'The link was made for a wrong person.', ja: '別の方の名義で連携されていました。' },
      outcomes: ['moved', 'ended'],
      needsDispute: true,
      freesAccount: true,
    },
    swapped_pair: {
      meaning: { en: "Two persons' accounts were swapped.", ja: '二人のアカウントが入れ替わっていました。' },
      outcomes: ['moved'],
      needsDispute: true,
      freesAccount: true,
    },
    typing_mistake: {
      meaning: { en: 'The account id was mistyped.', ja: 'アカウント ID の入力誤りでした。' },
      outcomes: ['moved', 'ended'],
      needsDispute: true,
      freesAccount: true,
    },
    provider_mistake: {
      meaning: { en: 'The provider confirmed a wrong account.', ja: '事業者が誤ったアカウントを確認しました。' },
      outcomes: ['upheld', 'moved', 'ended'],
      needsDispute: true,
      freesAccount: true,
    },
    deceased: {
      meaning: { en: 'The person has died.', ja: 'ご本人が亡くなられました。' },
      outcomes: ['ended'],
      needsDispute: false,
      freesAccount: false,
    },
    moved_away: {
      meaning: { en: 'The person has moved away.', ja: 'ご本人が転出されました。' },
      outcomes: ['ended'],
      needsDispute: false,
      freesAccount: false,
    },
  },
} as const satisfies {
  readonly dispute: Readonly<Record<string, Pick<LinkCorrectionPattern, 'meaning'>>>;
  readonly correction: Readonly<Record<string, LinkCorrectionPattern>>;
};

export type LinkDisputePattern = keyof typeof linkPatterns.dispute;
export type LinkCorrectionName = keyof typeof linkPatterns.correction;

/** A pattern with every member as the table's type has it. */
export function linkCorrectionPattern(name: LinkCorrectionName): LinkCorrectionPattern {
  return linkPatterns.correction[name];
}
