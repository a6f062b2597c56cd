import { createHash } from 'node:crypto';
import type { FileListing, SettlementClose, SettlementLine } from '../domain/settlement.js';
import { exchangeFundsCsv, exchangesCsv, statementCsv } from './sheets.js';
import { type Payee, type Payer, zenginFile } from './zengin.js';

/** Grows whenever the same input would give other bytes; a settlement is rendered again as it was first. */
export const templateVersion = 1;

/** All that the files depend on: what SettlementClosed and its lines recorded, and the two sealed accounts as they were. */
export interface FileInput {
  readonly close: Omit<SettlementClose, 'files'>;
  readonly lines: readonly SettlementLine[];
  readonly payer: Payer;
  readonly payee: Payee;
}

export interface RenderedFile extends FileListing {
  readonly content: Buffer;
}

export const transferFile = 'zengin.txt';

/** The settlement's files, the manifest last. Pure: the same input gives the same bytes. */
export function settlementFiles({ close, lines, payer, payee }: FileInput): readonly RenderedFile[] {
  const csv = 'text/csv; charset=utf-8';
  const files = [
    file('exchanges.csv', csv, exchangesCsv(lines)),
    file('exchange-funds.csv', csv, exchangeFundsCsv(lines)),
    file('statement.csv', csv, statementCsv(lines, close.carriedOver)),
  ];
  if (close.amountYen > 0) {
    const { transferDate, amountYen } = close;
    const content = zenginFile({ payer, payee, transferDate, amountYen });
    files.push(file(transferFile, 'text/plain; charset=shift_jis', content));
  }
  return [...files, file('manifest.json', 'application/json', manifest(close, files))];
}

/** Over the lines as they are listed. */
export function linesSha256(lines: readonly SettlementLine[]): string {
  return sha256(Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n')));
}

export function listingOf({ name, mediaType, bytes, sha256: hash }: RenderedFile): FileListing {
  return { name, mediaType, bytes, sha256: hash };
}

function manifest(close: Omit<SettlementClose, 'files'>, files: readonly RenderedFile[]): Buffer {
  const content = {
    settlementId: close.settlementId,
    ownerId: close.ownerId,
    providerId: close.providerId,
    providerName: close.providerName,
    from: close.from,
    to: close.to,
    transferDate: close.transferDate,
    closedAt: close.closedAt,
    templateVersion: close.templateVersion,
    payeeAccountVersion: close.payee.version,
    exchangeCount: close.exchangeCount,
    controlTotals: {
      points: close.points,
      providerPoints: close.providerPoints,
      amountYen: close.amountYen,
    },
    carriedIn: close.carriedIn,
    carriedOver: close.carriedOver,
    linesSha256: close.linesSha256,
    logPositions: close.logPositions,
    files: files.map(listingOf),
  };
  return Buffer.from(`${JSON.stringify(content, null, 2)}\n`);
}

function file(name: string, mediaType: string, content: Buffer): RenderedFile {
  return { name, mediaType, bytes: content.length, sha256: sha256(content), content };
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
