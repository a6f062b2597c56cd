import { readFileSync, writeFileSync } from 'node:fs';
import { type Card, freshKeys, IssuerStore, keyPool, newCards } from '@tsunagu/testing';
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
