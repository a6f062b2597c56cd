import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { FieldError } from '@tsunagu/kernel';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, Matches, Max, Min, ValidateNested } from 'class-validator';
import { halfWidthKana } from '../files/kana.js';
import type { AccountKind, Payee } from '../files/zengin.js';
import { bankNames } from '../outbound/bank-directory.js';

const unitMax = 1_000_000_000;

export class BankAccountOrder {
  @ApiProperty({ pattern: '^[0-9]{4}$' })
  @Matches(/^[0-9]{4}$/, { message: 'bankCode must be four digits' })
  bankCode: string;

  @ApiProperty({ pattern: '^[0-9]{3}$' })
  @Matches(/^[0-9]{3}$/, { message: 'branchCode must be three digits' })
  branchCode: string;

  @ApiProperty({ enum: ['ordinary', 'current', 'savings', 'other'] })
  @IsIn(['ordinary', 'current', 'savings', 'other'])
  accountKind: AccountKind;

  @ApiProperty({ pattern: '^[0-9]{1,7}$' })
  @Matches(/^[0-9]{1,7}$/, { message: 'accountNumber must be one to seven digits' })
  accountNumber: string;

  @ApiProperty({ minLength: 1, maxLength: 60, description: 'As at the bank; full-width kana is converted.' })
  @Matches(/^[^\p{Cc}\p{Cs}]{1,60}$/u, { message: 'payeeKana must be 1 to 60 characters' })
  payeeKana: string;
}

export class ProviderOrder {
  @ApiProperty({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$' })
  @Matches(/^[a-z0-9][a-z0-9-]{0,39}$/, { message: 'providerId must be 1 to 40 of a-z, 0-9 and -' })
  providerId: string;

  @ApiProperty({ minLength: 1, maxLength: 100 })
  @Matches(/^(?=.*\S)[^\p{Cc}\p{Cs}]{1,100}$/u, {
    message: 'name must be 1 to 100 characters without control characters',
  })
  name: string;

  @ApiProperty({ minLength: 1, maxLength: 200, format: 'uri' })
  @Matches(/^[\x21-\x7e]{1,200}$/, { message: 'baseUrl must be a URL of at most 200 characters' })
  baseUrl: string;

  @ApiProperty({ minimum: 1, maximum: unitMax })
  @IsInt()
  @Min(1)
  @Max(unitMax)
  unitPoints: number;

  @ApiProperty({ minimum: 1, maximum: unitMax })
  @IsInt()
  @Min(1)
  @Max(unitMax)
  minimumPoints: number;

  @ApiPropertyOptional({ minimum: 1, maximum: 1_000_000, default: 1 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  rateNumerator?: number | null;

  @ApiPropertyOptional({ minimum: 1, maximum: 1_000_000, default: 1 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  rateDenominator?: number | null;

  @ApiProperty({ type: BankAccountOrder })
  @IsObject()
  @ValidateNested()
  @Type(() => BankAccountOrder)
  bankAccount: BankAccountOrder;
}

/** The account as a transfer file names it, or what is wrong with it. */
export function payeeOf(order: BankAccountOrder): Payee | readonly FieldError[] {
  const { bankCode, branchCode, accountKind, accountNumber } = order;
  const names = bankNames(bankCode, branchCode);
  const payeeKana = halfWidthKana(order.payeeKana)?.trim();
  const faults: FieldError[] = [];
  if (typeof names === 'string')
    faults.push({ field: `bankAccount.${names}`, code: 'unknown', message: 'There is no such bank or branch.' });
  if (!payeeKana)
    faults.push({
      field: 'bankAccount.payeeKana',
      code: 'not_kana',
      message: 'Only katakana without ヲ, A–Z, 0–9, space, ( ) - and full stop can be transferred to.',
    });
  else if (payeeKana.length > 30)
    faults.push({
      field: 'bankAccount.payeeKana',
      code: 'too_long',
      message: 'At most 30 half-width characters, sound marks counted.',
    });
  if (faults.length > 0 || typeof names === 'string' || !payeeKana) return faults;
  return { bankCode, branchCode, ...names, accountKind, accountNumber: accountNumber.padStart(7, '0'), payeeKana };
}
