import type { Clock } from '@tsunagu/kernel';
import { Problem, type SigningKey } from '@tsunagu/service-host';
import { sessionSeconds, signCitizenToken } from '../citizen-token.js';
import type { ListedSession, SessionEnds, SessionWay } from '../outbound/session-ends.js';
import type { CardChecks } from './card-checks.js';
import type { Survivors } from './survivors.js';

export interface OpenedSession {
  readonly accessToken: string;
  readonly tokenId: string;
  readonly expiresAtMs: number;
}

/** Citizens' sessions, whichever way they came in: each is listed before its token is handed out, so that it can be ended. */
export class Sessions {
  constructor(
    /** The key that signs now. */
    private readonly key: () => Promise<SigningKey>,
    private readonly sessionEnds: SessionEnds,
    private readonly survivors: Survivors,
    private readonly cardChecks: Pick<CardChecks, 'signedIn'>,
    private readonly clock: Clock,
  ) {}

  async open(
    personId: string,
    how: SessionWay,
    correlationId: string,
    {
      seconds = sessionSeconds,
      ...terminal
    }: { readonly seconds?: number; readonly tokenId?: string; readonly terminalId?: string } = {},
  ): Promise<OpenedSession> {
    const opened = await signCitizenToken(await this.key(), personId, this.clock, seconds, terminal);
    const { tokenId, expiresAtMs } = opened;
    const openedAtMs = expiresAtMs - seconds * 1_000;
    await this.sessionEnds.begin({ tokenId, personId, openedAtMs, expiresAtMs, how, terminalId: terminal.terminalId });
    // A merge or an erasure ends the sessions that it finds; one that came before this session was listed is seen here.
    const survivor = await this.survivors.one(personId);
    if (survivor.erasureId !== null) throw new Problem({ code: 'identity.erased' });
    if (survivor.personId !== personId) throw new Problem({ code: 'service.unavailable', retryAfterSeconds: 1 });
    await this.cardChecks.signedIn(survivor, correlationId);
    return opened;
  }

  /** The person's own open sessions, those under an id that was merged into theirs included. */
  async openOf(personId: string): Promise<readonly ListedSession[]> {
    return this.sessionEnds.openOf(await this.survivors.sameAs(personId));
  }

  /** Ends one of them. Gives its token's id; undefined when it is not theirs, or has run out by itself. */
  async endOne(personId: string, sessionId: string): Promise<string | undefined> {
    const ended = await this.sessionEnds.endOwn(await this.survivors.sameAs(personId), {
      sessionId,
      keptTokenId: null,
    });
    return ended[0];
  }

  /** Ends all of them but the one of this token. Gives their tokens' ids. */
  async endOthers(personId: string, keptTokenId: string): Promise<readonly string[]> {
    return this.sessionEnds.endOwn(await this.survivors.sameAs(personId), { sessionId: null, keptTokenId });
  }
}
