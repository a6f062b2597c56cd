/** No 0, 1, I, L, O: nothing that is mistaken for another when read aloud or copied by hand. 31 signs, a prime. */
const alphabet = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
const base = alphabet.length;
const payloadLength = 15;
const space = BigInt(base) ** BigInt(payloadLength);

/**
 * The number on a claim's receipt, always the same for the same claim: `R-` and four groups of four signs, the last sign
 * a check character. 31^15 numbers: among 100 million claims two share one with a chance of about 2 in 10 million.
 */
export function receiptNumber(claimId: string): string {
  let rest = BigInt(`0x${claimId.replaceAll('-', '')}`) % space;
  let payload = '';
  for (let i = 0; i < payloadLength; i += 1) {
    payload = alphabet.charAt(Number(rest % BigInt(base))) + payload;
    rest /= BigInt(base);
  }
  return grouped(payload + checkCharacter(payload));
}

/** The number as it stands on a receipt, from what a person typed; undefined when the check character does not fit. */
export function parseReceiptNumber(typed: string): string | undefined {
  const signs = typed
    .toUpperCase()
    .replaceAll(/[\s-]/g, '')
    .replace(/^R(?=.{16}$)/, '');
  if (signs.length !== payloadLength + 1 || [...signs].some((sign) => !alphabet.includes(sign))) return undefined;
  const payload = signs.slice(0, payloadLength);
  return signs.endsWith(checkCharacter(payload)) ? grouped(signs) : undefined;
}

/** Weighted sum modulo a prime: finds every single wrong sign and every swap of two signs. */
function checkCharacter(payload: string): string {
  const sum = [...payload].reduce((total, sign, i) => total + (i + 2) * alphabet.indexOf(sign), 0);
  return alphabet.charAt(sum % base);
}

function grouped(signs: string): string {
  return `R-${signs.match(/.{4}/g)?.join('-')}`;
}
