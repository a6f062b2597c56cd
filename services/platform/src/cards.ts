import { readFileSync, writeFileSync } from 'node:fs';
import {
  type Card,
  changeAttributes,
  freshKeys,
  holdCard,
  IssuerStore,
  issuePhone,
  keyPool,
  newCards,
  type RevocationReason,
  reissueCard,
  renewCard,
  revokeCard,
} from '@tsunagu/testing';
import type { DataDirectory } from './data-directory.js';
import type { DatabaseUrls } from './database.js';
import { Progress } from './progress.js';
import { UserError } from './settings.js';
import { readClock } from './stored-clock.js';

/** Cards of the test issuer, as its books hold them from now on. */
export async function issueCards(
  { directory, databases }: { directory: DataDirectory; databases: DatabaseUrls },
  wanted: {
    count: number;
    birthDate?: string | undefined;
    residence?: string | undefined;
    keyPool?: number | undefined;
  },
): Promise<Card[]> {
  const store = await IssuerStore.open(directory.issuer);
  const { nowMs } = await readClock(databases);
  const progress = new Progress('making cards');
  try {
    return await newCards(
      store,
      wanted.count,
      {
        nowMs,
        keys: wanted.keyPool === undefined ? freshKeys : keyPool(wanted.keyPool),
        ...(wanted.birthDate !== undefined && { birthDate: wanted.birthDate }),
        ...(wanted.residence !== undefined && { residence: wanted.residence }),
      },
      (done) => progress.at(done, wanted.count),
    );
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(`No card can be made: ${error.message}.`);
    throw error;
  }
}

export const cardChanges = ['renew', 'revoke', 'hold', 'reissue', 'change', 'phone'] as const;
export type CardChange = (typeof cardChanges)[number];

/**
 * What becomes of one card: the new card or the phone, undefined where there is none. Throws RangeError for a card that the issuer does
 * not know, or that cannot be changed so.
 */
export async function changeCard(
  { directory, databases }: { directory: DataDirectory; databases: DatabaseUrls },
  change: CardChange,
  old: Card,
  wanted: {
    reason: RevocationReason | undefined;
    name: string | undefined;
    residence: string | undefined;
    withoutLink: boolean;
  },
): Promise<Card | undefined> {
  const store = await IssuerStore.open(directory.issuer);
  const { nowMs } = await readClock(databases);
  const { reason, name, residence, withoutLink } = wanted;
  const moved = residence !== undefined && { residence };
  switch (change) {
    case 'renew':
      return renewCard(store, old, { nowMs, withoutLink, ...moved });
    case 'reissue':
      return reissueCard(store, old, { nowMs, withoutLink, ...moved });
    case 'change':
      return changeAttributes(store, old, { nowMs, ...(name !== undefined && { name }), ...moved });
    case 'phone':
      return issuePhone(store, old, { nowMs });
    case 'hold':
      holdCard(store, old, { nowMs });
      return undefined;
    case 'revoke':
      revokeCard(store, old, { nowMs, ...(reason !== undefined && { reason }) });
      return undefined;
  }
}

export function readCards(file: string): Card[] {
  try {
    const cards = JSON.parse(readFileSync(file, 'utf8')) as Card[];
    if (Array.isArray(cards) && cards.every(({ certificate }) => typeof certificate === 'string')) return cards;
  } catch (error) {
    throw new UserError(`${file} cannot be read as cards: ${(error as Error).message}`);
  }
  throw new UserError(`${file} does not hold a list of cards.`);
}

/** To a file that only its owner can read (it holds private keys), or to the terminal. */
export function writeCards(cards: readonly Card[], file: string | undefined): void {
  const content = JSON.stringify(cards, null, 2);
  if (file === undefined) console.log(content);
  else writeFileSync(file, `${content}\n`, { mode: 0o600 });
}
