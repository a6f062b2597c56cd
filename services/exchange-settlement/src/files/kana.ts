/**
 * Half-width kana as bank transfers carry it (DOMAIN §4): katakana with the sound marks as characters of their own, no small kana,
 * no ヲ, A–Z, 0–9, space, ( ) - and full stop.
 */

const half = Array.from({ length: 0xff9f - 0xff61 + 1 }, (_, index) => String.fromCharCode(0xff61 + index));
const soundMarks = ['ﾞ', 'ﾟ'];
/** Each full-width character that NFKC makes of one half-width character, or of one with a sound mark. */
const halfOf = new Map<string, string>([
  ...half.flatMap((base) => soundMarks.map((mark): [string, string] => [(base + mark).normalize('NFKC'), base + mark])),
  // A sound mark by itself, after nothing that takes one, has no place.
  ...half.filter((base) => !soundMarks.includes(base)).map((base): [string, string] => [base.normalize('NFKC'), base]),
]);

const largeOf = new Map(
  Array.from('ァィゥェォャュョッ', (small, index) => [small, 'アイウエオヤユヨツ'.charAt(index)]),
);
/** The long-vowel mark and its look-alikes are written as a hyphen. */
const hyphens = /[ー‐‑–—―−]/g;
const permitted = /^[ｱ-ﾝﾞﾟA-Z0-9 ().-]*$/;

/** Converted, or undefined when a character has no place in a transfer: a payee name is never guessed. */
export function halfWidthKana(text: string): string | undefined {
  const full = text.normalize('NFKC').replace(hyphens, '-').toUpperCase();
  const converted = Array.from(full, (character) => {
    const large = largeOf.get(character) ?? character;
    return halfOf.get(large) ?? large;
  }).join('');
  return permitted.test(converted) ? converted : undefined;
}
