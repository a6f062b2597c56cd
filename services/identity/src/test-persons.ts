import { randomUUID } from 'node:crypto';
import { appendOne, type EventLog } from '@tsunagu/event-store';
import { type Clock, isoTime, japanDay, newId } from '@tsunagu/kernel';
import { VaultMasters } from '@tsunagu/vault';
import type { Pool } from 'pg';
import { type DigestShared, digestStream } from './domain/digest.js';
import { type PersonEvent, personStream } from './domain/person.js';
import { tableDate } from './domain/residence.js';
import { identityKeys, vaultUse } from './keys.js';
import { Vault } from './outbound/vault.js';
import { actOf } from './recording.js';
import { type Attributes, namesRead } from './verification/attributes.js';

const batchSize = 1_000;

export interface TestPersonParts {
  /** identity's own log and database. */
  readonly log: EventLog;
  readonly pool: Pool;
  readonly keyDirectory: string;
  readonly clock: Clock;
}

export interface TestPersonOptions {
  readonly count: number;
  /** YYYY-MM-DD, default 1990-04-01. */
  readonly birthDate?: string | undefined;
  /** Municipality code, default 13101. */
  readonly residence?: string | undefined;
}

/** Registers persons without cards, for load tests: the same events and vault rows that sessions leave. Returns their ids. */
export async function registerTestPersons(
  { log, pool, keyDirectory, clock }: TestPersonParts,
  options: TestPersonOptions,
  progress?: (done: number) => void,
): Promise<readonly string[]> {
  const birthDate = japanDay(options.birthDate ?? '1990-04-01');
  const residenceCode = options.residence ?? '13101';
  if (!/^\d{5}$/.test(residenceCode)) throw new RangeError('a residence is a municipality code such as 13101');
  const vault = new Vault(
    pool,
    await identityKeys(keyDirectory),
    await VaultMasters.open(pool, keyDirectory, vaultUse),
  );
  const personIds: string[] = [];
  while (personIds.length < options.count) {
    const nowMs = clock.now();
    const readAt = isoTime(nowMs);
    const batch = Array.from({ length: Math.min(batchSize, options.count - personIds.length) }, () => newId(nowMs));
    const attributesOf = (personId: string): Attributes => ({
      name: `試験 ${personId.slice(-12)}`,
      birthDate,
      sex: null,
      address: null,
      residenceCode,
      residenceTable: tableDate,
      readAt,
      issuedAt: readAt,
    });
    await vault.keep(
      batch.map((personId) => ({ personId, attributes: attributesOf(personId) })),
      readAt,
    );
    const correlationId = randomUUID();
    // Coalesced by the log into few commits.
    await Promise.all(
      batch.map(async (personId) => {
        const attributes = attributesOf(personId);
        const digest = vault.attributesDigest(attributes);
        const events: readonly PersonEvent[] = [
          { type: 'PersonRegistered', data: { personId } },
          { type: 'ConsentGiven', data: { personId, purpose: 'attributes', how: 'card', givenAt: readAt } },
          {
            type: 'AttributesVerified',
            data: { personId, kind: 'signatureCertificate', attributes: namesRead(attributes), readAt, digest },
          },
        ];
        const recorded = events.map((event) => actOf(event, nowMs, correlationId));
        const share: DigestShared = { type: 'DigestShared', data: { personId, digest } };
        await appendOne(log, {
          writes: [
            { stream: personStream(personId), expectedRevision: 'noStream', events: recorded },
            {
              stream: digestStream(digest),
              expectedRevision: 'noStream',
              events: [actOf(share, nowMs, correlationId)],
            },
          ],
        });
      }),
    );
    personIds.push(...batch);
    progress?.(personIds.length);
  }
  return personIds;
}
