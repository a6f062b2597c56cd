import { type HumansCertificate, startHumans } from '../test-humans.js';

/** No act takes so many steps. */
const stepsMax = 1_000;
const nothingTied = () => ({ predecessors: [], siblings: [] });
const card = cardOf('0');
const otherCard = cardOf('1');

function cardOf(hash: string): HumansCertificate {
  return { hash, human: 0, kind: 'card', predecessor: null, sibling: null, isLinked: true };
}

interface Answer {
  readonly personId?: string;
  readonly code?: string;
}

/** A service, and the acts of one human who came to it. */
async function started(first: 'login' | 'card') {
  const service = startHumans();
  const logIn = (session: string | null) => service.logIn('human-0', undefined, session);
  const tap = (certificate: HumansCertificate, joining?: string) =>
    service.tap(certificate, nothingTied, undefined, joining);
  const sign = ({ hash }: HumansCertificate) =>
    service.logIn('human-0', undefined, null, { hash, name: 'somebody', linkOf: nothingTied });
  const { personId = '' } = await (first === 'login' ? logIn(null) : tap(card));
  return { personId, logIn, tap, sign };
}

/** Two acts, the second begun after each possible number of steps of the first, until that one is over before it begins. */
async function closer(
  first: 'login' | 'card',
  one: (at: Acts) => Promise<Answer>,
  other: (at: Acts) => Promise<Answer>,
  check: (answers: readonly Answer[], personId: string) => void,
): Promise<void> {
  let isOver = false;
  for (let steps = 0; !isOver; steps += 1) {
    if (steps === stepsMax) throw new Error('an act without end');
    const at = await started(first);
    const begun = one(at).finally(() => {
      isOver = true;
    });
    for (let step = 0; step < steps; step += 1) await Promise.resolve();
    const wasOver: boolean = isOver;
    check(await Promise.all([begun, other(at)]), at.personId);
    isOver = wasOver;
  }
}

type Acts = Awaited<ReturnType<typeof started>>;

describe('two acts of one human, however close', () => {
  it.each<[string, (at: Acts) => Promise<Answer>, (at: Acts) => Promise<Answer>]>([
    ['both joined', ({ tap, personId }) => tap(card, personId), ({ tap, personId }) => tap(otherCard, personId)],
    ['both signing', ({ sign }) => sign(card), ({ sign }) => sign(otherCard)],
    ['one joined, one signing', ({ tap, personId }) => tap(card, personId), ({ sign }) => sign(otherCard)],
    ['one signing, one joined', ({ sign }) => sign(card), ({ tap, personId }) => tap(otherCard, personId)],
  ])('give a login one of two cards that nothing ties: %s', async (_name, one, other) => {
    await closer('login', one, other, (answers) => {
      expect(answers.map(({ code }) => code).sort()).toEqual(['identity.under_review', undefined]);
    });
  });

  it.each<[string, 'login' | 'card', (at: Acts) => Promise<Answer>, (at: Acts) => Promise<Answer>]>([
    ['joined twice', 'login', ({ tap, personId }) => tap(card, personId), ({ tap, personId }) => tap(card, personId)],
    ['joined and signing', 'login', ({ tap, personId }) => tap(card, personId), ({ sign }) => sign(card)],
    ['signing and joined', 'login', ({ sign }) => sign(card), ({ tap, personId }) => tap(card, personId)],
    ['signing twice', 'login', ({ sign }) => sign(card), ({ sign }) => sign(card)],
    [
      'a login joined twice',
      'card',
      ({ logIn, personId }) => logIn(personId),
      ({ logIn, personId }) => logIn(personId),
    ],
    ['a login joined and signed', 'card', ({ logIn, personId }) => logIn(personId), ({ sign }) => sign(card)],
    ['a login signed and joined', 'card', ({ sign }) => sign(card), ({ logIn, personId }) => logIn(personId)],
  ])('with one card and one login are no contradiction: %s', async (_name, first, one, other) => {
    await closer(first, one, other, (answers, owner) => {
      expect(answers.map(({ personId }) => personId)).toEqual([owner, owner]);
    });
  });
});
