// What a refusal says: the platform's own catalogue, in both languages at once.
const catalogue = await (await fetch('/kiosk/texts.json')).json();

/** What goes wrong before the platform is reached. */
export const localTexts = {
  network: {
    title: { ja: '通信できません', en: 'No connection' },
    next: { ja: '少し待って、もう一度お試しください。', en: 'Wait a moment and try again.' },
  },
  card: {
    title: { ja: 'カードを読み取れません', en: 'The card could not be read' },
    next: { ja: 'カードを置いて、もう一度お試しください。', en: 'Place the card and try again.' },
  },
};

/** Shape { title, next }, each { ja, en }; of a code that this page does not know, what the answer itself says. */
export function problemTexts({ code, title, next, retryAfterSeconds }) {
  const texts = catalogue.problems[code] ?? { title: { ja: title }, next: { ja: next } };
  return retryAfterSeconds === undefined ? texts : { ...texts, next: waitTexts(retryAfterSeconds) };
}

/** Why a link was refused; a provider's own reason has no text of ours. */
export function linkReasonTexts(reasonCode) {
  return catalogue.linkReasons[reasonCode] ?? catalogue.linkReasons.provider_refused;
}

function waitTexts(seconds) {
  if (seconds < 60) return { ja: `${seconds} 秒待ってからお試しください。`, en: `Try again in ${seconds} seconds.` };
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120)
    return { ja: `約 ${minutes} 分後にお試しください。`, en: `Try again in about ${minutes} minutes.` };
  const hours = Math.ceil(minutes / 60);
  return { ja: `約 ${hours} 時間後にお試しください。`, en: `Try again in about ${hours} hours.` };
}
