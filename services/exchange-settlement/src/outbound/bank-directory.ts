import { createRequire } from 'node:module';
import { halfWidthKana } from '../files/kana.js';

interface Bank {
  readonly kana: string;
  readonly branches: Readonly<Record<string, { readonly kana: string } | undefined>>;
}

let banks: Readonly<Record<string, Bank | undefined>> | undefined;

/** Names of a bank and its branch in half-width kana, or which of the two codes is unknown. */
export function bankNames(
  bankCode: string,
  branchCode: string,
): { readonly bankName: string; readonly branchName: string } | 'bankCode' | 'branchCode' {
  // 2.5 MB and 0.2 s: loaded when the first account is checked, not at start.
  banks ??= createRequire(import.meta.url)('zengin-code') as Record<string, Bank | undefined>;
  const bank = Object.hasOwn(banks, bankCode) ? banks[bankCode] : undefined;
  if (!bank) return 'bankCode';
  const branch = Object.hasOwn(bank.branches, branchCode) ? bank.branches[branchCode] : undefined;
  if (!branch) return 'branchCode';
  // The bank's own code identifies it; a name with a character that transfers do not carry stays empty.
  return { bankName: halfWidthKana(bank.kana) ?? '', branchName: halfWidthKana(branch.kana) ?? '' };
}
