// The page of a kiosk: everything by keyboard or touch. docs/counter.md tells the flow.
import { linkAccount } from './link.js';
import { both, inBoth, show, shown } from './screen.js';
import { CardUnread, call, certificate, end, Over, once, openSession, proofFor, tap, whenOver } from './session.js';
import { localTexts, problemTexts } from './texts.js';

const service = new URLSearchParams(location.search).get('service') ?? 'library';
const endNotices = {
  removed: both(
    'カードが取り出されたので終わりました。確認していない手続きは行われていません。',
    'The card was taken away, so this is over. Nothing unconfirmed was done.',
  ),
  timed_out: both(
    '時間になったので終わりました。確認していない手続きは行われていません。',
    'The time was over. Nothing unconfirmed was done.',
  ),
};
/** Codes after which nothing can be done in the session that is open. */
const endingCodes = ['identity.terminal_session_ended', 'auth.token_invalid'];

function start(notice) {
  show({
    title: both('カードを置いてください', 'Place your card'),
    text: notice,
    choices: [
      {
        key: '1',
        label: both('カードを置きました', 'The card is in place'),
        run: async () => {
          await tap();
          menu();
        },
      },
    ],
  });
}

function menu() {
  show({
    title: both('何をしますか', 'What would you like to do?'),
    choices: [
      { key: '1', label: both('サービスカードを登録する', 'Register a service card'), run: typeNumber },
      { key: '2', label: both('登録した番号を見る', 'See the registered number'), run: lookUp },
      {
        key: '3',
        label: both('決済サービスと連携する', 'Link a payment service'),
        run: () => linkAccount({ back: menu, done }),
      },
      { key: '9', label: both('終わる', 'Finish'), run: () => end() },
    ],
  });
}

function typeNumber() {
  show({
    title: both('サービスカードの番号', 'The number on the service card'),
    input: { name: 'serviceId', run: (serviceId) => (serviceId === '' ? typeNumber() : compare(serviceId)) },
    choices: [{ key: 'Escape', label: both('戻る', 'Back'), run: menu }],
  });
}

function compare(serviceId) {
  show({
    title: both('この番号で合っていますか', 'Is this the number?'),
    number: serviceId,
    text: both('登録の前に、もう一度カードで確認します', 'Before it is registered, your card is asked once more'),
    choices: [
      {
        key: '1',
        label: both('カードで確認して登録する', 'Confirm by card: register'),
        run: () => register(serviceId),
      },
      { key: '2', label: both('番号を直す', 'Correct the number'), run: typeNumber },
      { key: '9', label: both('やめる', 'Stop'), run: () => end() },
    ],
  });
}

async function register(serviceId) {
  const { terminalSessionId } = openSession();
  const proof = await proofFor('register_membership', { service, serviceId, terminalSessionId });
  await call('POST', '/identity/v1/memberships', { service, serviceId, terminalSessionId, proof }, once());
  done(both('登録しました', 'Registered'), serviceId);
}

/** The card is held, its PIN not asked for. */
async function lookUp() {
  const order = { purpose: 'lookup_membership', operation: { service } };
  const { challengeId } = await call('POST', '/identity/v1/challenges', order);
  const held = { service, challengeId, certificate: await certificate() };
  const { serviceId } = await call('POST', '/identity/v1/memberships/lookup', held);
  done(both('登録されている番号', 'The registered number'), serviceId);
}

function done(title, number) {
  show({
    title,
    number,
    choices: [{ key: '9', label: both('カードを取って終わる', 'Take the card and finish'), run: () => end() }],
  });
}

/** What went wrong, in the words of the error catalogue. */
addEventListener('unhandledrejection', ({ reason }) => {
  if (reason instanceof Over) return;
  const { problem } = reason;
  const texts = problem ? problemTexts(problem) : reason instanceof CardUnread ? localTexts.card : localTexts.network;
  const before = shown();
  const isOver = !openSession() || endingCodes.includes(problem?.code);
  show({
    title: inBoth(texts.title),
    text: inBoth(texts.next),
    code: problem?.code,
    refused: true,
    choices: [
      ...(isOver ? [] : [{ key: '1', label: both('戻る', 'Back'), run: () => show(before) }]),
      { key: '9', label: both('終わる', 'Finish'), run: () => end() },
    ],
  });
});

whenOver((why) => start(endNotices[why]));
start();
