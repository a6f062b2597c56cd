import type { EventLog } from '@tsunagu/event-store';
import { addDays, type Clock, idFromScope, isoTime, japanDayOf, newId, ok, type Result } from '@tsunagu/kernel';
import type { Caller } from '@tsunagu/service-host';
import {
  decideOpen,
  decideRemoval,
  foldTerminal,
  sessionFor,
  type Terminal,
  type TerminalEvent,
  type TerminalSession,
  terminalSessionSeconds,
  terminalStream,
} from '../domain/terminal-session.js';
import type { KeptCertificates } from '../outbound/kept-certificates.js';
import type { SessionEnds } from '../outbound/session-ends.js';
import type { Vault } from '../outbound/vault.js';
import { domainEvents, record } from '../recording.js';
import type { ProofRefusal, Proven, Proving, SignedProof } from './proving.js';
import type { Proof, SignInRefusal, SigningIn } from './signing-in.js';

export interface TerminalSessionsParts {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly vault: Vault;
  readonly kept: KeptCertificates;
  readonly signingIn: SigningIn;
  readonly proving: Proving;
  readonly sessionEnds: SessionEnds;
  /** Two persons' cards at one terminal within so long are a signal. */
  readonly twoCardsSeconds: number;
}

/** A caller with the role kiosk is one terminal. */
type Staff = Pick<Caller, 'subject' | 'ownerId' | 'actor'>;

export interface OpenedSession {
  readonly session: TerminalSession;
  readonly person: { readonly personId: string; readonly myKeyId: string | null };
  /** Tokens of sessions that this tap ended. */
  readonly endedTokenIds: readonly string[];
}

/** A session at a counter or kiosk: one card tap, one terminal, two minutes. */
export class TerminalSessions {
  constructor(private readonly parts: TerminalSessionsParts) {}

  /** The tap signs for purpose `terminal_session` and operation `{ terminalId }`, so a signature made elsewhere opens nothing here. */
  async open(
    staff: Staff,
    challengeId: string,
    card: Proof,
    correlationId: string,
  ): Promise<Result<OpenedSession, SignInRefusal>> {
    const { clock, kept, log, signingIn, twoCardsSeconds, vault } = this.parts;
    const terminalId = staff.subject;
    const act = { purpose: 'terminal_session', operation: { terminalId } };
    const signedIn = await signingIn.signIn(challengeId, card, undefined, correlationId, { act });
    if (!signedIn.ok) return signedIn;
    const person = signedIn.value;
    const nowMs = clock.now();
    await kept.keep(person.personId, card.certificate, nowMs);
    const session: TerminalSession = {
      terminalSessionId: newId(nowMs),
      terminalId,
      personId: person.personId,
      certificateRef: vault.certificateRef(card.certificate.hash),
      tokenId: newId(nowMs),
      openedAt: isoTime(nowMs),
      expiresAt: isoTime(nowMs + terminalSessionSeconds * 1_000),
    };
    const { today, both } = streamsOf(staff, nowMs);
    const signalId = newId(nowMs);
    let before: Terminal = { last: null };
    await record(log, both, { caller: staff, correlationId, nowMs }, (streams) => {
      before = terminalIn(streams, both);
      return ok(new Map([[today, decideOpen(before, session, { signalId, twoCardsSeconds })]]));
    });
    return ok({ session, person, endedTokenIds: await this.endToken(before, nowMs) });
  }

  /** The card was taken away. Undefined when the session was never one of this terminal's. */
  async end(
    staff: Staff,
    terminalSessionId: string,
    correlationId: string,
  ): Promise<{ endedTokenIds: readonly string[] } | undefined> {
    const nowMs = this.parts.clock.now();
    const { today, both } = streamsOf(staff, nowMs);
    let before: Terminal = { last: null };
    let known = false;
    await record(this.parts.log, both, { caller: staff, correlationId, nowMs }, (streams) => {
      before = terminalIn(streams, both);
      known = eventsIn(streams, both).some(
        ({ type, data }) => type === 'TerminalSessionOpened' && data.terminalSessionId === terminalSessionId,
      );
      return ok(new Map([[today, decideRemoval(before, terminalSessionId)]]));
    });
    if (!known) return undefined;
    const isLast = before.last?.terminalSessionId === terminalSessionId;
    return { endedTokenIds: isLast ? await this.endToken(before, nowMs) : [] };
  }

  /** A write at a terminal: the session is open, and its own card has signed once more for just this, the session's id included. */
  async prove(
    staff: Staff,
    terminalSessionId: string,
    proof: SignedProof | undefined,
    { purpose, operation }: { purpose: string; operation: Readonly<Record<string, unknown>> },
  ): Promise<Result<Proven, ProofRefusal | 'identity.terminal_session_ended'>> {
    const { clock, log, proving } = this.parts;
    const { both } = streamsOf(staff, clock.now());
    const session = sessionFor(terminalIn(await log.readStreams([...both]), both), terminalSessionId, clock.now());
    if (!session.ok) return session;
    const { personId, certificateRef } = session.value;
    const act = { purpose, operation: { ...operation, terminalSessionId } };
    return proving.signed(proof, personId, act, certificateRef);
  }

  /** Other services hear of it within moments; a crash before this leaves a token of two minutes that opens no write. */
  private async endToken({ last }: Terminal, nowMs: number): Promise<readonly string[]> {
    if (!last || last.isEnded || Date.parse(last.expiresAt) <= nowMs) return [];
    await this.parts.sessionEnds.end(last.tokenId, Math.ceil(Date.parse(last.expiresAt) / 1_000));
    return [last.tokenId];
  }
}

/** A session of two minutes may have begun yesterday. */
function streamsOf({ subject, ownerId }: Staff, nowMs: number) {
  const key = idFromScope(`terminal\0${ownerId}\0${subject}`);
  const day = japanDayOf(nowMs);
  const today = terminalStream(key, day);
  return { today, both: [terminalStream(key, addDays(day, -1)), today] as const };
}

type Streams = Parameters<typeof domainEvents>[0];

function eventsIn(streams: Streams, names: readonly string[]): readonly TerminalEvent[] {
  return names.flatMap((name) => domainEvents<TerminalEvent>(streams, name));
}

function terminalIn(streams: Streams, names: readonly string[]): Terminal {
  return foldTerminal(eventsIn(streams, names));
}
