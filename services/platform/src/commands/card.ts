import { type RevocationReason, revocationReasons } from '@tsunagu/testing';
import { type CardChange, cardChanges, changeCard, issueCards, readCards, writeCards } from '../cards.js';
import { type Command, text, type Values, wholeNumber } from '../command.js';
import { withData } from '../reach.js';
import { type Settings, UserError } from '../settings.js';

const COUNT_MAX = 100_000;

export const card: Command = {
  help: `Usage: npx tsunagu card new --count 2 [--birth-date 1990-04-01] [--residence 13101] [--key-pool 64] [--out cards.json]
       npx tsunagu card renew --card cards.json --index N [--without-link] [--residence CODE] [--out FILE]
       npx tsunagu card revoke --card cards.json --index N [--reason ${revocationReasons.join('|')}]
       npx tsunagu card hold --card cards.json --index N
       npx tsunagu card reissue --card cards.json --index N [--out FILE]
       npx tsunagu card change --card cards.json --index N [--name NAME] [--residence CODE] [--out FILE]
       npx tsunagu card phone --card cards.json --index N [--out FILE]

Does what the issuer would do and publishes it through its OCSP responder, revocation lists and link data. A card is { certificate,
privateKey, signatureCertificate?, signaturePrivateKey?, subject }, DER in base64; no signature pair under 15. A key pool
shares keys among many cards, for load tests. Test profile only.

renew, reissue and change write the list with the new card in the old one's place; phone writes a list of one.
  renew    the next card; the old certificates and the phone's are superseded. --without-link: link data does not name the old card
  hold     a lost card: certificateHold, which is never released
  reissue  new certificates for a card on hold or lost; link data names the old ones
  change   name or address: a new signature certificate, the old one revoked as affiliationChanged
  phone    an authentication certificate in the phone, valid as long as the card's; the phone before it is superseded`,
  options: {
    count: { type: 'string' },
    'birth-date': { type: 'string' },
    residence: { type: 'string' },
    'key-pool': { type: 'string' },
    card: { type: 'string' },
    index: { type: 'string' },
    reason: { type: 'string' },
    name: { type: 'string' },
    'without-link': { type: 'boolean' },
    out: { type: 'string' },
  },
  async run({ values, positionals, settings }) {
    const [verb] = positionals;
    if (verb === 'new' && positionals.length === 1) return makeCards(values, settings);
    if (cardChanges.includes(verb as CardChange) && positionals.length === 1)
      return changeOne(verb as CardChange, values, settings);
    throw new UserError(`Say what to do: card ${['new', ...cardChanges].join(', card ')} (npx tsunagu card --help).`);
  },
};

async function makeCards(values: Values, settings: Settings): Promise<number> {
  const birthDate = text(values, 'birth-date');
  if (birthDate !== undefined && !/^\d{4}-\d\d-\d\d$/.test(birthDate))
    throw new UserError(`--birth-date is "${birthDate}"; write it as 1990-04-01.`);
  const residence = residenceFrom(values);
  const count = wholeNumber(values, 'count', 1, 1, COUNT_MAX);
  const pool = text(values, 'key-pool') === undefined ? undefined : wholeNumber(values, 'key-pool', 64, 1, 10_000);
  const cards = await withData(settings, (data) => issueCards(data, { count, birthDate, residence, keyPool: pool }));
  writeCards(cards, text(values, 'out'));
  return 0;
}

async function changeOne(change: CardChange, values: Values, settings: Settings): Promise<number> {
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
  const wanted = {
    reason: reason as RevocationReason | undefined,
    name: text(values, 'name'),
    residence: residenceFrom(values),
    withoutLink: values['without-link'] === true,
  };
  if (change === 'change' && wanted.name === undefined && wanted.residence === undefined) {
    throw new UserError('Say what changes: --name NAME, --residence CODE or both.');
  }
  const made = await withData(settings, (data) => changeCard(data, change, old, wanted)).catch((error: unknown) => {
    if (error instanceof RangeError) throw new UserError(`Card ${index} of ${file}: ${error.message}.`);
    throw error;
  });
  if (!made) return 0;
  if (change === 'phone') writeCards([made], text(values, 'out'));
  else writeCards(cards.with(index, made), text(values, 'out'));
  return 0;
}

function residenceFrom(values: Values): string | undefined {
  const residence = text(values, 'residence');
  if (residence !== undefined && !/^\d{5}$/.test(residence))
    throw new UserError(`--residence is "${residence}"; it is a municipality code of five digits.`);
  return residence;
}
