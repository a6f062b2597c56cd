/** Twelve digits that stand alone, together or in groups of four: part of no longer number, id or word. */
const twelveDigits = /(?<![A-Za-z0-9_-]|\d )\d{4}([ \-‐‑‒–—―−ー]?)\d{4}\1\d{4}(?![A-Za-z0-9_-]| \d)/g;

/** Whether a text has a My Number (個人番号) in it, in digits of either width. One in eleven of other twelve-digit numbers looks like one too. */
export function holdsMyNumber(text: string): boolean {
  if (text.length < 12) return false;
  const plain = /[０-９－]/.test(text) ? text.normalize('NFKC') : text;
  for (const [found] of plain.matchAll(twelveDigits)) if (isMyNumber(found.replaceAll(/\D/g, ''))) return true;
  return false;
}

/**
 * Whether the last of twelve digits is the check digit of the others: weights 2 to 7 and 2 to 6 from the right, modulo 11 (Ordinance 85
 * of 2014 of the Ministry of Internal Affairs, article 5).
 */
export function isMyNumber(digits: string): boolean {
  if (!/^\d{12}$/.test(digits)) return false;
  let sum = 0;
  for (let n = 1; n <= 11; n += 1) sum += Number(digits[11 - n]) * (n <= 6 ? n + 1 : n - 5);
  const rest = sum % 11;
  return Number(digits[11]) === (rest <= 1 ? 0 : 11 - rest);
}
