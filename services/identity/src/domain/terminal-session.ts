import { ok, type Result, refuse } from '@tsunagu/kernel';

/** Stream `terminal-<terminalKey>+<day>`: who stood at one counter or kiosk on one day. */
export type TerminalEvent =
  | { readonly type: 'TerminalSessionOpened'; readonly data: TerminalSession }
  | {
      readonly type: 'TerminalSessionEnded';
      readonly data: {
        readonly terminalSessionId: string;
        readonly personId: string;
        /** The card was taken away, or another one came. Running out needs no event: `expiresAt` says it. */
        readonly reason: 'removed' | 'next_tap';
      };
    }
  | { readonly type: 'TerminalSignalRaised'; readonly data: TerminalSignal };

/** One card tap at one terminal. */
export interface TerminalSession {
  readonly terminalSessionId: string;
  readonly terminalId: string;
  readonly personId: string;
  readonly certificateRef: string;
  /** Of the access token that goes with it. */
  readonly tokenId: string;
  readonly openedAt: string;
  readonly expiresAt: string;
}

/** Something that staff should look at: it decides nothing. */
export interface TerminalSignal {
  readonly signalId: string;
  /** Two persons' cards shortly after one another; or a card that came while another person's session was still open. */
  readonly kind: 'two_cards' | 'left_open';
  readonly terminalId: string;
  readonly first: { readonly terminalSessionId: string; readonly personId: string };
  readonly second: { readonly terminalSessionId: string; readonly personId: string };
  readonly intervalSeconds: number;
}

export const terminalSessionSeconds = 120;

/** A day's taps lie in a stream of their own, so that a busy terminal is read quickly for years. */
export function terminalStream(terminalKey: string, day: string): string {
  return `terminal-${terminalKey}+${day}`;
}

export interface Terminal {
  readonly last: (TerminalSession & { readonly isEnded: boolean }) | null;
}

export function foldTerminal(events: readonly TerminalEvent[]): Terminal {
  return events.reduce<Terminal>(
    ({ last }, event) => {
      if (event.type === 'TerminalSessionOpened') return { last: { ...event.data, isEnded: false } };
      if (event.type === 'TerminalSessionEnded' && last?.terminalSessionId === event.data.terminalSessionId) {
        return { last: { ...last, isEnded: true } };
      }
      return { last };
    },
    { last: null },
  );
}

export function openAt({ last }: Terminal, nowMs: number): TerminalSession | null {
  return last && !last.isEnded && nowMs < Date.parse(last.expiresAt) ? last : null;
}

/** Each tap ends the session before it, and says so where another person's was left open or was only seconds ago. */
export function decideOpen(
  terminal: Terminal,
  session: TerminalSession,
  { signalId, twoCardsSeconds }: { readonly signalId: string; readonly twoCardsSeconds: number },
): readonly TerminalEvent[] {
  const nowMs = Date.parse(session.openedAt);
  const before = openAt(terminal, nowMs);
  const opened: TerminalEvent = { type: 'TerminalSessionOpened', data: session };
  const ended = before ? [endOf(before, 'next_tap')] : [];
  const { last } = terminal;
  if (!last || last.personId === session.personId) return [...ended, opened];
  const intervalSeconds = Math.round((nowMs - Date.parse(last.openedAt)) / 1_000);
  const kind = intervalSeconds <= twoCardsSeconds ? 'two_cards' : before ? 'left_open' : null;
  if (kind === null) return [...ended, opened];
  const party = ({ terminalSessionId, personId }: TerminalSession) => ({ terminalSessionId, personId });
  const { terminalId } = session;
  const data = { signalId, kind, terminalId, first: party(last), second: party(session), intervalSeconds } as const;
  return [...ended, opened, { type: 'TerminalSignalRaised', data }];
}

/** The card was taken away. */
export function decideRemoval(terminal: Terminal, terminalSessionId: string): readonly TerminalEvent[] {
  const { last } = terminal;
  return last && last.terminalSessionId === terminalSessionId && !last.isEnded ? [endOf(last, 'removed')] : [];
}

/** The session that a write at the terminal goes with: the last tap's, not taken away and not run out. */
export function sessionFor(
  terminal: Terminal,
  terminalSessionId: string,
  nowMs: number,
): Result<TerminalSession, 'identity.terminal_session_ended'> {
  const open = openAt(terminal, nowMs);
  return open?.terminalSessionId === terminalSessionId ? ok(open) : refuse('identity.terminal_session_ended');
}

function endOf({ terminalSessionId, personId }: TerminalSession, reason: 'removed' | 'next_tap'): TerminalEvent {
  return { type: 'TerminalSessionEnded', data: { terminalSessionId, personId, reason } };
}
