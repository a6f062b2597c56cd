/** A reason for changing what was granted, as staff choose it. */
export interface CorrectionPattern {
  readonly meaning: { readonly en: string; readonly ja: string };
}

/**
 * The only reasons for which staff change points (DOMAIN §1: corrections are reported by defined patterns with evidence,
 * not free text). The evidence is a reference into the owner's own files.
 */
export const correctionPatterns = {
  reversal: {
    granted_twice: {
      meaning: { en: 'One person was granted twice.', ja: '同一人に二重に付与されました。' },
    },
    not_eligible: {
      meaning: { en: 'The conditions were not met.', ja: '付与の要件を満たしていませんでした。' },
    },
    wrong_person: {
      meaning: { en: 'The grant was meant for another person.', ja: '別の方への付与でした。' },
    },
    wrong_amount: {
      meaning: { en: 'The amount was wrong.', ja: '付与額が誤っていました。' },
    },
    wrong_list: {
      meaning: { en: 'The list of a batch was wrong; the batch is recalled.', ja: '一括付与の名簿が誤っていました。' },
    },
    application_withdrawn: {
      meaning: { en: 'The person withdrew the application.', ja: 'ご本人が申込みを取り下げました。' },
    },
    fraud: {
      meaning: { en: 'The claim was fraudulent.', ja: '不正な申込みでした。' },
    },
  },
  writeOff: {
    hardship: {
      meaning: { en: 'Repayment would cause hardship.', ja: '返還が生活に著しい支障を来します。' },
    },
    deceased: {
      meaning: { en: 'The person has died.', ja: 'ご本人が亡くなられました。' },
    },
    uncollectable: {
      meaning: { en: 'It cannot be collected.', ja: '回収の見込みがありません。' },
    },
    recorded_in_error: {
      meaning: { en: 'The receivable should not have been recorded.', ja: '債権の計上が誤っていました。' },
    },
  },
  extension: {
    disaster_relief: {
      meaning: { en: 'Relief after a disaster.', ja: '災害に伴う期限の延長です。' },
    },
    service_outage: {
      meaning: { en: 'The points could not be used for a time.', ja: 'ポイントを利用できない期間がありました。' },
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, CorrectionPattern>>>>;

export type ReversalPattern = keyof typeof correctionPatterns.reversal;
export type WriteOffPattern = keyof typeof correctionPatterns.writeOff;
export type ExtensionPattern = keyof typeof correctionPatterns.extension;
