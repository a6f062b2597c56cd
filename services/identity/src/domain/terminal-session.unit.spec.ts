import {
  decideOpen,
  decideRemoval,
  foldTerminal,
  openAt,
  sessionFor,
  type TerminalEvent,
  type TerminalSession,
} from './terminal-session.js';

const startMs = Date.parse('2026-11-20T00:00:00.000Z');

function session(terminalSessionId: string, personId: string, atSeconds: number): TerminalSession {
  const at = (seconds: number) => new Date(startMs + seconds * 1_000).toISOString();
  return {
    terminalSessionId,
    terminalId: 't',
    personId,
    certificateRef: `card of ${personId}`,
    tokenId: `token ${terminalSessionId}`,
    openedAt: at(atSeconds),
    expiresAt: at(atSeconds + 120),
  };
}

const signal = { signalId: 'signal', twoCardsSeconds: 30 };

/** What taps leave on the stream, one after another. */
function taps(...sessions: TerminalSession[]): TerminalEvent[] {
  const events: TerminalEvent[] = [];
  for (const each of sessions) events.push(...decideOpen(foldTerminal(events), each, signal));
  return events;
}

const summary = (events: readonly TerminalEvent[]) =>
  events.map((event) =>
    event.type === 'TerminalSignalRaised' ? event.data.kind : `${event.type} ${event.data.terminalSessionId}`,
  );

describe('a terminal', () => {
  it('has one session at a time: the next tap ends the one before', () => {
    const events = taps(session('a', 'p', 0), session('b', 'p', 10));
    expect(summary(events)).toEqual(['TerminalSessionOpened a', 'TerminalSessionEnded a', 'TerminalSessionOpened b']);
    const terminal = foldTerminal(events);
    expect(sessionFor(terminal, 'b', startMs + 11_000)).toMatchObject({ ok: true });
    expect(sessionFor(terminal, 'a', startMs + 11_000)).toMatchObject({
      refusal: { code: 'identity.terminal_session_ended' },
    });
  });

  it('has none after 120 seconds, and none when the card was taken away', () => {
    const events = taps(session('a', 'p', 0));
    expect(openAt(foldTerminal(events), startMs + 119_999)).not.toBeNull();
    expect(openAt(foldTerminal(events), startMs + 120_000)).toBeNull();
    const removed = [...events, ...decideRemoval(foldTerminal(events), 'a')];
    expect(openAt(foldTerminal(removed), startMs + 1)).toBeNull();
    expect(decideRemoval(foldTerminal(removed), 'a')).toEqual([]);
    expect(decideRemoval(foldTerminal(events), 'b')).toEqual([]);
  });

  it.each<[string, TerminalSession, string | undefined]>([
    ['the same person’s card again', session('b', 'p', 5), undefined],
    ['another’s within 30 seconds', session('b', 'q', 30), 'two_cards'],
    ['another’s while the session was open', session('b', 'q', 31), 'left_open'],
    ['another’s after it had run out', session('b', 'q', 120), undefined],
  ])('tells of %s', (_name, second, kind) => {
    const raised = taps(session('a', 'p', 0), second).find(({ type }) => type === 'TerminalSignalRaised');
    expect(raised && (raised.data as { kind: string }).kind).toBe(kind);
  });

  it('tells of two cards within seconds even where the first was taken away, and not of a later one', () => {
    const first = taps(session('a', 'p', 0));
    const terminal = foldTerminal([...first, ...decideRemoval(foldTerminal(first), 'a')]);
    expect(summary(decideOpen(terminal, session('b', 'q', 20), signal))).toEqual([
      'TerminalSessionOpened b',
      'two_cards',
    ]);
    expect(summary(decideOpen(terminal, session('b', 'q', 60), signal))).toEqual(['TerminalSessionOpened b']);
  });
});
