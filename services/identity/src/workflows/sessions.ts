import type { Clock } from '@tsunagu/kernel';
import { Problem, type SigningKey } from '@tsunagu/service-host';
import { sessionSeconds, signCitizenToken } from '../citizen-token.js';
import type { SessionEnds } from '../outbound/session-ends.js';
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
    private readonly clock: Clock,
  ) {}

  async open(
    personId: string,
    {
      seconds = sessionSeconds,
      ...terminal
    }: { readonly seconds?: number; readonly tokenId?: string; readonly terminalId?: string } = {},
  ): Promise<OpenedSession> {
    const opened = await signCitizenToken(await this.key(), personId, this.clock, seconds, terminal);
    await this.sessionEnds.begin(opened.tokenId, personId, opened.expiresAtMs);
    // A merge ends the sessions that it finds; one that came before this session was listed is seen here.
    const survivor = await this.survivors.one(personId);
    if (survivor.personId !== personId) throw new Problem({ code: 'service.unavailable', retryAfterSeconds: 1 });
    return opened;
  }
}
