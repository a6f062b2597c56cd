// One screen at a time. Text goes in as text, never as markup: a service id is what somebody typed.

const screen = document.getElementById('screen');
let keys = new Map();
let last;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Japanese, and English below it. */
export function both(japanese, english) {
  return element('span', {}, japanese, ...(english ? [element('span', { lang: 'en' }, english)] : []));
}

export function inBoth({ ja, en }) {
  return both(ja, en);
}

/** What `show` was given last, to come back to. */
export function shown() {
  return last;
}

/** Shows a screen: the first choice or the field has the focus; a choice is taken by its key, Enter or Space. */
export function show(wanted) {
  last = wanted;
  const { title, text, number, code, input, choices, refused = false } = wanted;
  // One act at a time: a key pressed twice must not act twice.
  const run = (choice) => {
    keys = new Map();
    screen.inert = true;
    void (async () => choice.run())();
  };
  const buttons = choices.map((choice) => {
    const button = element(
      'button',
      { type: 'button', 'data-key': choice.key, ...(choice.oneLine && { class: 'one-line' }) },
      `${choice.key === 'Escape' ? 'Esc' : choice.key}　`,
      choice.label,
    );
    button.addEventListener('click', () => run(choice));
    return button;
  });
  const field = input && fieldOf(input, (text) => run({ run: () => input.run(text) }));
  keys = new Map(
    choices.filter(({ key }) => !field || key === 'Escape').map((choice) => [choice.key, () => run(choice)]),
  );
  screen.inert = false;
  screen.className = refused ? 'refused' : '';
  screen.replaceChildren(
    element('h1', {}, title),
    ...(number === undefined ? [] : [element('p', { class: 'number' }, number)]),
    ...(text ? [element('p', {}, text)] : []),
    ...(code ? [element('p', { class: 'code' }, code)] : []),
    ...(field ? [field] : []),
    ...(input?.keypad ? [keypad(field)] : []),
    ...buttons,
  );
  (field ?? buttons[0]).focus();
}

/** `input`: { name, lengthMax, secret, run }. Enter hands its text on. */
function fieldOf({ name, lengthMax = 64, secret = false }, enter) {
  const type = secret ? 'password' : 'text';
  const field = element('input', { name, type, autocomplete: 'one-time-code', maxlength: String(lengthMax) });
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    // Else the same key press would push the first button of the next screen, unread.
    event.preventDefault();
    // Full-width digits of a Japanese keyboard are digits.
    enter(field.value.normalize('NFKC').trim());
  });
  return field;
}

/** Digits to touch. The field keeps the focus, so that a keyboard goes on where a finger stopped. */
function keypad(field) {
  const type = (text) => {
    if (field.value.length < field.maxLength) field.value += text;
  };
  const acts = new Map([...'123456789'].map((digit) => [digit, () => type(digit)]));
  acts.set('⌫', () => {
    field.value = field.value.slice(0, -1);
  });
  acts.set('0', () => type('0'));
  acts.set('Enter', () => field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' })));
  const buttons = [...acts].map(([label, act]) => {
    const button = element('button', { type: 'button', tabindex: '-1' }, label);
    button.addEventListener('pointerdown', (event) => event.preventDefault());
    button.addEventListener('click', act);
    return button;
  });
  return element('div', { class: 'keypad' }, ...buttons);
}

addEventListener('keydown', (event) => {
  // A key that is held down must not push the first button of every screen that follows.
  if (event.repeat && (event.key === 'Enter' || event.key === ' ')) event.preventDefault();
  const act = event.repeat ? undefined : keys.get(event.key);
  if (!act) return;
  // Else the character would be typed into the field of the screen that it leads to.
  event.preventDefault();
  act();
});
