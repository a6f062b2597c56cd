// One screen at a time. Text goes in as text, never as markup: a service id is what somebody typed.

const screen = document.getElementById('screen');
let keys = new Map();

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

/** Shows a screen: the first choice or the field has the focus; a choice is taken by its key, Enter or Space. */
export function show({ title, text, number, input, choices, refused = false }) {
  // One act at a time: a key pressed twice must not act twice.
  const run = (choice) => {
    keys = new Map();
    screen.inert = true;
    void (async () => choice.run())();
  };
  const buttons = choices.map((choice) => {
    const button = element(
      'button',
      { type: 'button', 'data-key': choice.key },
      `${choice.key === 'Escape' ? 'Esc' : choice.key}　`,
      choice.label,
    );
    button.addEventListener('click', () => run(choice));
    return button;
  });
  const field = input && element('input', { name: input.name, autocomplete: 'off', maxlength: '64' });
  field?.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    // Else the same key press would push the first button of the next screen, unread.
    event.preventDefault();
    run({ run: () => input.run(field.value.trim()) });
  });
  keys = new Map(
    choices.filter(({ key }) => !field || key === 'Escape').map((choice) => [choice.key, () => run(choice)]),
  );
  screen.inert = false;
  screen.className = refused ? 'refused' : '';
  screen.replaceChildren(
    element('h1', {}, title),
    ...(number === undefined ? [] : [element('p', { class: 'number' }, number)]),
    ...(text ? [element('p', {}, text)] : []),
    ...(field ? [field] : []),
    ...buttons,
  );
  (field ?? buttons[0]).focus();
}

addEventListener('keydown', (event) => {
  const act = event.repeat ? undefined : keys.get(event.key);
  if (!act) return;
  // Else the character would be typed into the field of the screen that it leads to.
  event.preventDefault();
  act();
});
