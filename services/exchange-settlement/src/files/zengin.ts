import iconv from 'iconv-lite';

/** The bulk transfer file (総合振込, type 21): records of 120 bytes, Shift_JIS with half-width kana, CRLF. Fields as in DOMAIN §4. */

export type AccountKind = 'ordinary' | 'current' | 'savings' | 'other';

/** Names in half-width kana, as they were when the account was recorded. */
export interface BankAccount {
  readonly bankCode: string;
  readonly bankName: string;
  readonly branchCode: string;
  readonly branchName: string;
  readonly accountKind: AccountKind;
  readonly accountNumber: string;
}

export interface Payee extends BankAccount {
  readonly payeeKana: string;
}

export interface Payer extends BankAccount {
  /** Given by the payer's bank, up to 10 digits. */
  readonly clientCode: string;
  readonly clientName: string;
}

/** Ten digits a record. */
export const transferYenMax = 9_999_999_999;
/** Twelve digits in the trailer. */
export const totalYenMax = 999_999_999_999;

const recordBytes = 120;
const kindCode: Readonly<Record<AccountKind, string>> = { ordinary: '1', current: '2', savings: '4', other: '9' };

/** One payee; more than a record can carry is split over several. `transferDate` is YYYY-MM-DD, a bank business day. */
export function zenginFile(transfer: {
  readonly payer: Payer;
  readonly payee: Payee;
  readonly transferDate: string;
  readonly amountYen: number;
}): Buffer {
  const { payer, payee, transferDate, amountYen } = transfer;
  if (!Number.isSafeInteger(amountYen) || amountYen < 1 || amountYen > totalYenMax)
    throw new RangeError(`not an amount for a transfer file: ${amountYen}`);
  const header = [
    '1',
    '21',
    '0',
    digits(payer.clientCode, 10),
    text(payer.clientName, 40),
    transferDate.slice(5, 7) + transferDate.slice(8, 10),
    ...account(payer),
    text('', 17),
  ];
  const amounts = split(amountYen);
  const data = amounts.map((amount) => [
    '2',
    ...branch(payee),
    digits('0', 4),
    kindCode[payee.accountKind],
    digits(payee.accountNumber, 7),
    text(payee.payeeKana, 30),
    digits(String(amount), 10),
    // 0: neither a first transfer nor a changed payee.
    '0',
    digits('0', 20),
    // 7: by wire; no EDI mark.
    '7',
    text('', 1),
    text('', 7),
  ]);
  const trailer = ['8', digits(String(amounts.length), 6), digits(String(amountYen), 12), text('', 101)];
  const end = ['9', text('', 119)];
  return Buffer.concat([header, ...data, trailer, end].map((fields) => record(fields.join(''))));
}

function split(amountYen: number): readonly number[] {
  const amounts: number[] = [];
  for (let left = amountYen; left > 0; left -= transferYenMax) amounts.push(Math.min(left, transferYenMax));
  return amounts;
}

function account(of: BankAccount): readonly string[] {
  return [...branch(of), kindCode[of.accountKind], digits(of.accountNumber, 7)];
}

function branch(of: BankAccount): readonly string[] {
  return [digits(of.bankCode, 4), text(of.bankName, 15), digits(of.branchCode, 3), text(of.branchName, 15)];
}

/** N: right-aligned, zero-filled. */
function digits(value: string, length: number): string {
  if (!/^\d+$/.test(value) || value.length > length) throw new RangeError('a digit field does not fit');
  return value.padStart(length, '0');
}

/** C: left-aligned, space-filled. Names of banks and branches are cut, as the format has it; each character is one byte. */
function text(value: string, length: number): string {
  return value.slice(0, length).padEnd(length, ' ');
}

function record(line: string): Buffer {
  const bytes = iconv.encode(line, 'Shift_JIS');
  if (bytes.length !== recordBytes || iconv.decode(bytes, 'Shift_JIS') !== line)
    throw new RangeError('a record is not 120 bytes of half-width characters');
  return Buffer.concat([bytes, Buffer.from('\r\n')]);
}
