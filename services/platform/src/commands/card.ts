import { IssuerStore, type RevocationReason, renewCard, revocationReasons, revokeCard } from '@tsunagu/testing';
import { issueCards, readCards, writeCards } from '../cards.js';
import { type Command, text, type Values, wholeNumber } from '../command.js';
import { withData } from '../reach.js';
import { type Settings, UserError } from '../settings.js';
import { readClock } from '../stored-clock.js';

const COUNT_MAX = 100_000;

export const card: Command = {
  help: `Usage: npx tsunagu card new --count 2 [--birth-date 1990-04-01] [--residence 13101] [--key-pool 64] [--out cards.json]
       npx tsunagu card renew --card cards.json --index N [--out FILE]
       npx tsunagu card revoke --card cards.json --index N [--reason ${revocationReasons.join('|')}]

Does what the issuer would do and publishes it through its revocation list and link data. A card is { certificate,
privateKey, signatureCertificate?, signaturePrivateKey?, subject }, DER in base64; no signature pair under 15. A key pool
shares keys among many cards, for load tests. Renew writes the list with the new card in the old one's place. Test profile only.`,
  options: {
    count: { type: 'string' },
    'birth-date': { type: 'string' },
    residence: { type: 'string' },
    'key-pool': { type: 'string' },
    card: { type: 'string' },
    index: { type: 'string' },
    reason: { type: 'string' },
    out: { type: 'string' },
  },
  async run({ values, positionals, settings }) {
    const [verb] = positionals;
    if (verb === 'new' && positionals.length === 1) return makeCards(values, settings);
    if ((verb === 'renew' || verb === 'revoke') && positionals.length === 1) return changeCard(verb, values, settings);
    throw new UserError('Say what to do: card new, card renew or card revoke (npx tsunagu card --help).');
  },
};

async function makeCards(values: Values, settings: Settings): Promise<number> {
  const birthDate = text(values, 'birth-date');
  if (birthDate !== undefined && !/^\d{4}-\d\d-\d\d$/.test(birthDate))
    throw new UserError(`--birth-date is "${birthDate}"; write it as 1990-04-01.`);
  const residence = text(values, 'residence');
  if (residence !== undefined && !/^\d{5}$/.test(residence))
    throw new UserError(`--residence is "${residence}"; it is a municipality code of five digits.`);
  const count = wholeNumber(values, 'count', 1, 1, COUNT_MAX);
  const pool = text(values, 'key-pool') === undefined ? undefined : wholeNumber(values, 'key-pool', 64, 1, 10_000);
  const cards = await withData(settings, (data) => issueCards(data, { count, birthDate, residence, keyPool: pool }));
  writeCards(cards, text(values, 'out'));
  return 0;
}

async function changeCard(verb: 'renew' | 'revoke', values: Values, settings: Settings): Promise<number> {
  const file = text(values, 'card');
  if (file === undefined) throw new UserError('Name the file with --card FILE.');
  const cards = readCards(file);
  const index = wholeNumber(values, 'index', 0, 0, Math.max(0, cards.length - 1));
  const old = cards[index];
  if (!old) throw new UserError(`${file} holds no card.`);
  const reason = text(values, 'reason');
  if (reason !== undefined && !revocationReasons.includes(reason as RevocationReason)) {
    throw new UserError(`--reason is "${reason}"; it must be one of ${revocationReasons.join(', ')}.`);
  }
  return withData(settings, async ({ directory, databases }) => {
    const store = await IssuerStore.open(directory.issuer);
    const { nowMs } = await readClock(databases);
    try {
      if (verb === 'revoke') {
        revokeCard(store, old, { nowMs, ...(reason !== undefined && { reason: reason as RevocationReason }) });
        return 0;
      }
      cards[index] = await renewCard(store, old, { nowMs });
    } catch (error) {
      if (error instanceof RangeError) throw new UserError(`Card ${index} of ${file}: ${error.message}.`);
      throw error;
    }
    writeCards(cards, text(values, 'out'));
    return 0;
  });
}
