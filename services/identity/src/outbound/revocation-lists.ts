import type { Clock } from '@tsunagu/kernel';
import type { Logger } from 'pino';
import type { TrustedAuthority } from '../verification/trusted-authorities.js';
import type { RevocationSubject } from './issuer.js';
import { type IssuerConnection, pathOf } from './issuer-connection.js';
import { type RevocationList, readRevocationList } from './revocation-list.js';
import type { Listed } from './revocation-policy.js';
import { ShortBreak } from './short-break.js';

export interface ListOptions {
  readonly connection: IssuerConnection;
  /** Real time. */
  readonly breakMs: number;
  /** A list that was looked at so recently (real time) is not asked for again. */
  readonly cacheMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const listBytesMax = 20_000_000;

interface KeptList {
  readonly list: RevocationList;
  readonly etag: string | null;
  /** performance.now() */
  readonly lookedAt: number;
}

/** The issuer's revocation lists, one an issuing point. Only the path of an issuing point is used, never its host. */
export class RevocationLists {
  private readonly lists = new Map<string, KeptList>();
  private readonly reading = new Map<string, Promise<KeptList | undefined>>();
  private readonly pause: ShortBreak;

  constructor(private readonly options: ListOptions) {
    this.pause = new ShortBreak(options.breakMs);
  }

  /** What the list as it is now says of a certificate; where that cannot be read, the list known before. */
  async ask(certificate: RevocationSubject, authority: TrustedAuthority): Promise<Listed | undefined> {
    const { issuingPoint, serial } = certificate;
    const kept = issuingPoint === null ? undefined : await this.list(issuingPoint, authority);
    return kept && listed(kept.list, serial);
  }

  /** The same from the list known before, without asking anybody. */
  known({ issuingPoint, serial }: RevocationSubject, authority: TrustedAuthority): Listed | undefined {
    const kept = issuingPoint === null ? undefined : this.lists.get(nameOf(issuingPoint, authority));
    return kept && listed(kept.list, serial);
  }

  /** One look at a time for a list; everybody who asks meanwhile gets its outcome. */
  private list(issuingPoint: string, authority: TrustedAuthority): Promise<KeptList | undefined> {
    const name = nameOf(issuingPoint, authority);
    const kept = this.lists.get(name);
    if (kept && performance.now() - kept.lookedAt < this.options.cacheMs && !this.isPast(kept)) {
      return Promise.resolve(kept);
    }
    const running = this.reading.get(name);
    if (running) return running;
    const reading = this.look(name, issuingPoint, authority).finally(() => this.reading.delete(name));
    this.reading.set(name, reading);
    return reading;
  }

  private isPast({ list }: KeptList): boolean {
    return this.options.clock.now() > list.nextUpdateMs;
  }

  private async look(name: string, issuingPoint: string, authority: TrustedAuthority): Promise<KeptList | undefined> {
    const { connection, clock, logger } = this.options;
    const kept = this.lists.get(name);
    try {
      const path = pathOf(issuingPoint);
      const response = await this.pause.ask(() => connection.get(path, listBytesMax, kept?.etag));
      if (!response) return kept;
      if (response.status === 304 && kept) return this.keep(name, { ...kept, lookedAt: performance.now() });
      if (response.status !== 200) throw new Error(`the issuer answered ${response.status}`);
      const list = readRevocationList(response.body, {
        issuerKey: authority.certificate.publicKey,
        issuingPoint,
        nowMs: clock.now(),
      });
      // An older list than the one known would bring revoked certificates back.
      if (kept && list.thisUpdateMs < kept.list.thisUpdateMs) return kept;
      return this.keep(name, { list, etag: response.etag, lookedAt: performance.now() });
    } catch (error) {
      logger.warn({ reason: (error as Error).message }, 'a revocation list cannot be read');
      return kept;
    }
  }

  private keep(name: string, list: KeptList): KeptList {
    this.lists.set(name, list);
    return list;
  }
}

function nameOf(issuingPoint: string, authority: TrustedAuthority): string {
  return `${authority.keyId} ${issuingPoint}`;
}

function listed({ thisUpdateMs, nextUpdateMs, revoked }: RevocationList, serial: string): Listed {
  return { thisUpdateMs, nextUpdateMs, entry: revoked.get(serial) };
}
