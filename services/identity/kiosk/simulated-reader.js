// A card reader for trying the page out: cards from `npx tsunagu card new`, the terminal's token from `npx tsunagu token --role kiosk`.
// Served in the test profile only. F1 puts the first card in, F2 the second, and so on; F10 takes it away.

const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

/** Resolves when a token and cards were given. */
export async function simulatedReader() {
  const { token, cards } = await given();
  let lying = 0;
  addEventListener('keydown', (event) => {
    if (event.key === 'F10') {
      event.preventDefault();
      lying = undefined;
      dispatchEvent(new Event('tsunagu-card-removed'));
    }
    const number = /^F([1-9])$/.exec(event.key)?.[1];
    if (number === undefined || Number(number) > cards.length) return;
    event.preventDefault();
    lying = Number(number) - 1;
  });
  return {
    token,
    certificate: async () => cards[lying].certificate,
    async sign(nonce) {
      const key = await crypto.subtle.importKey('pkcs8', bytes(cards[lying].privateKey), algorithm, false, ['sign']);
      const text = nonce.replaceAll('-', '+').replaceAll('_', '/');
      const signature = await crypto.subtle.sign(algorithm, key, bytes(text));
      return btoa(String.fromCharCode(...new Uint8Array(signature)));
    },
  };
}

function given() {
  const screen = document.getElementById('screen');
  const field = (name, label) => {
    const made = document.createElement('textarea');
    made.name = name;
    made.placeholder = label;
    made.rows = 2;
    return made;
  };
  const token = field('token', 'token');
  const cards = field('cards', 'cards.json');
  const button = document.createElement('button');
  button.append('開始 / Start');
  screen.replaceChildren(token, cards, button);
  token.focus();
  return new Promise((resolve) => {
    button.addEventListener('click', () => resolve({ token: token.value.trim(), cards: JSON.parse(cards.value) }));
  });
}
