// A payment account is linked: the card signs the wish, the person sees whose account it is, the card signs again.
import { both, inBoth, show } from './screen.js';
import { call, callAsPerson, end, once, proofFor } from './session.js';
import { linkReasonTexts } from './texts.js';

const programmeId = new URLSearchParams(location.search).get('programme') ?? 'default';
const links = '/service-link/v1/links';
/** As many as fit on a screen. */
const providersPerScreen = 4;
const finish = { key: '9', label: both('終わる', 'Finish'), run: () => end() };
const stop = { key: '9', label: both('やめる', 'Stop'), run: () => end() };

/** `back` shows the menu, `done` the last screen. */
export async function linkAccount(ways) {
  const { providers } = await call('GET', '/exchange/v1/providers');
  chooseProvider(ways, providers, 0);
}

function chooseProvider(ways, providers, from) {
  const pages = Math.ceil(providers.length / providersPerScreen);
  const page = from / providersPerScreen + 1;
  const next = from + providersPerScreen < providers.length ? from + providersPerScreen : 0;
  const others = {
    key: '0',
    label: both(`ほかを見る（${pages} ページのうち ${page} ページ目）`, `See others (page ${page} of ${pages})`),
    run: () => chooseProvider(ways, providers, next),
  };
  const here = { ...ways, providers: () => chooseProvider(ways, providers, from) };
  show({
    title: both('どの決済サービスですか', 'Which payment service?'),
    choices: [
      ...providers.slice(from, from + providersPerScreen).map((provider, index) => ({
        key: String(index + 1),
        label: both(provider.name),
        oneLine: true,
        run: () => typeAccount(here, provider),
      })),
      ...(pages > 1 ? [others] : []),
      { key: 'Escape', label: both('戻る', 'Back'), run: ways.back },
    ],
  });
}

function typeAccount(ways, provider) {
  show({
    title: both('アカウントの番号', 'The account number'),
    text: provider.name,
    input: {
      name: 'providerAccountId',
      lengthMax: 64,
      keypad: true,
      run: (accountId) => (accountId === '' ? typeAccount(ways, provider) : typeCode(ways, provider, accountId)),
    },
    choices: [{ key: 'Escape', label: both('戻る', 'Back'), run: ways.providers }],
  });
}

function typeCode(ways, provider, providerAccountId) {
  const order = (securityCode) => ({ providerId: provider.providerId, providerAccountId, programmeId, securityCode });
  show({
    title: both('セキュリティコード', 'The security code'),
    text: provider.name,
    input: {
      name: 'securityCode',
      lengthMax: 32,
      keypad: true,
      secret: true,
      run: (code) => (code === '' ? typeCode(ways, provider, providerAccountId) : compare(ways, provider, order(code))),
    },
    choices: [{ key: 'Escape', label: both('戻る', 'Back'), run: () => typeAccount(ways, provider) }],
  });
}

function compare(ways, provider, order) {
  const again = () => typeAccount(ways, provider);
  show({
    title: both('この番号で合っていますか', 'Is this the number?'),
    number: order.providerAccountId,
    text: both(`${provider.name}に問い合わせる前に、カードで確認します`, 'Before we ask, your card is asked once more'),
    choices: [
      {
        key: '1',
        label: both('カードで確認して進む', 'Confirm by card: go on'),
        run: () => request(ways, order, again),
      },
      { key: '2', label: both('番号を直す', 'Correct the number'), run: again },
      stop,
    ],
  });
}

async function request(ways, order, again) {
  const { providerId, providerAccountId } = order;
  const proof = await proofFor('service_link.request', { providerId, providerAccountId, programmeId });
  settle(ways, await callAsPerson('POST', links, { ...order, proof }, once()), again);
}

/** The screen of the state that a link is in; `again` is for another account or code. */
function settle(ways, link, again, looked = false) {
  if (link.state === 'established') return ways.done(both('連携しました', 'Linked'), link.maskedName);
  if (link.state === 'awaiting_confirmation') return compareName(ways, link, again);
  if (link.state === 'refused') return refuse(link, again);
  const look = async () =>
    settle(ways, await callAsPerson('GET', `${links}/${link.linkId}`, undefined, { prefer: 'wait=2' }), again, true);
  show({
    title: looked
      ? both('まだ返事がありません', 'Still no answer')
      : both('決済サービスの返事を待っています', 'The payment service has not answered yet'),
    text: both(
      'まだ連携していません。返事のあとに、ご本人の確認があります。',
      'Nothing is linked yet. After the answer you confirm it yourself.',
    ),
    choices: [{ key: '1', label: both('もう一度見る', 'Look again'), run: look }, finish],
  });
}

function compareName(ways, link, again) {
  show({
    title: both('ご本人の名義ですか', 'Is this your account?'),
    number: link.maskedName ?? both('名義の表示はありません', 'No name is given'),
    text: both('連携の前に、もう一度カードで確認します', 'Before it is linked, your card is asked once more'),
    choices: [
      {
        key: '1',
        label: both('カードで確認して連携する', 'Confirm by card: link'),
        run: () => confirm(ways, link, again),
      },
      { key: '2', label: both('違います', 'It is not mine'), run: () => leave(again) },
      stop,
    ],
  });
}

async function confirm(ways, { linkId }, again) {
  const proof = await proofFor('service_link.confirm', { linkId });
  settle(ways, await callAsPerson('POST', `${links}/${linkId}/confirm`, { proof }), again);
}

/** Nothing is sent: what is never confirmed lapses by itself. */
function leave(again) {
  show({
    title: both('連携していません', 'Nothing was linked'),
    text: both('確認しなかった連携は、期限が来ると無効になります。', 'A link that nobody confirms lapses by itself.'),
    choices: [{ key: '1', label: both('別の番号を入れる', 'Another number'), run: again }, finish],
  });
}

function refuse({ reasonCode }, again) {
  const { title, next } = linkReasonTexts(reasonCode);
  show({
    title: inBoth(title),
    text: inBoth(next),
    code: reasonCode,
    refused: true,
    choices: [{ key: '1', label: both('番号を入れ直す', 'Type the number again'), run: again }, finish],
  });
}
