import { randomUUID } from 'node:crypto';
import type { EventLog } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import { Crash, crash, cutLog, withParts } from '@tsunagu/service-host/testing';
import { VaultMasters } from '@tsunagu/vault';
import { UnfinishedErasures } from '../jobs/unfinished-erasures.js';
import { identityKeys, vaultUse } from '../keys.js';
import { SessionEnds } from '../outbound/session-ends.js';
import { Vault } from '../outbound/vault.js';
import { ErasureIndex } from '../projections/erasure-index.js';
import { startTestIdentity, type TestIdentity } from '../test-identity.js';
import { Erasing } from './erasing.js';
import { Survivors } from './survivors.js';

const one = { actor: 'staff:desk-1', correlationId: randomUUID() };
const another = { actor: 'staff:desk-2', correlationId: randomUUID() };

describe('an erasure that is cut off', () => {
  let identity: TestIdentity;
  let vault: Vault;
  let ends: SessionEnds;
  beforeAll(async () => {
    identity = await startTestIdentity();
    const { pool, clock, keyDirectory } = identity.service;
    vault = new Vault(pool, await identityKeys(keyDirectory), await VaultMasters.open(pool, keyDirectory, vaultUse));
    ends = new SessionEnds(pool, clock);
  });
  afterAll(() => identity.close());

  /** With some of its parts ending the process, so to say, when they are called. */
  function erasing(parts: { log?: EventLog; ends?: Partial<SessionEnds>; vault?: Partial<Vault> } = {}): Erasing {
    const { log, clock } = identity.service;
    const survivors = new Survivors(log);
    return new Erasing(parts.log ?? log, clock, withParts(ends, parts.ends), withParts(vault, parts.vault), survivors);
  }

  /** Something happens just before persons are read for the first time. */
  function beforeReading(meanwhile: () => Promise<unknown>): EventLog {
    const { log } = identity.service;
    let happened = false;
    return withParts(log, {
      readStreams: async (streams: readonly string[]) => {
        if (!happened && streams.some((stream) => stream.startsWith('person-'))) {
          happened = true;
          await meanwhile();
        }
        return log.readStreams(streams);
      },
    });
  }

  async function proposed() {
    const { personId } = await identity.citizen();
    const erasureId = newId(identity.service.clock.now());
    const wish = { erasureId, personId, reasonPattern: 'person_asked', evidence: null } as const;
    expect((await erasing().propose(wish, one)).ok).toBe(true);
    return { personId, erasureId };
  }

  const cut = (type: string, recorded: boolean) => cutLog(identity.service.log, type, recorded);
  const keysOf = async (personId: string) => {
    const { rows } = await identity.service.pool.query<{ wrapped: Buffer | null; kinds: number }>(
      `select wrapped, (select count(*)::int from vault_attributes kept where kept.person_id = $1) as kinds
         from vault_keys where person_id = $1`,
      [personId],
    );
    return rows[0];
  };

  async function runJob(): Promise<void> {
    await identity.service.waitForProjections();
    const index = new ErasureIndex(identity.service.pool, { waitFor: async () => true });
    await new UnfinishedErasures(index, erasing(), { warn: () => undefined }).run();
  }

  const afterTheLog = [
    ['after the log said so', () => ({ log: cut('PersonErased', true) })],
    ['before the sessions end', () => ({ ends: { endOfPerson: crash } })],
    ['before the keys are destroyed', () => ({ vault: { destroyKeys: crash } })],
    ['before it is said to be done', () => ({ log: cut('ErasureCompleted', false) })],
    ['after it was said to be done', () => ({ log: cut('ErasureCompleted', true) })],
  ] as const;

  it.each(afterTheLog)('%s is finished by the job', async (_, parts) => {
    const { personId, erasureId } = await proposed();
    await expect(erasing(parts()).approve(erasureId, another)).rejects.toThrow(Crash);
    await runJob();
    const erasure = await erasing().find(erasureId);
    expect(erasure?.state).toBe('done');
    expect(await keysOf(personId)).toEqual({ wrapped: null, kinds: 0 });
    if (erasure) expect(await erasing().erasedIds(erasure)).toEqual([expect.objectContaining({ personId })]);
    expect(await ends.openOf([personId])).toEqual([]);
  });

  it.each(afterTheLog)('%s is finished by the same person’s second call', async (_, parts) => {
    const { personId, erasureId } = await proposed();
    await expect(erasing(parts()).approve(erasureId, another)).rejects.toThrow(Crash);
    expect(await erasing().approve(erasureId, another)).toMatchObject({ ok: true, value: { state: 'done' } });
    expect(await keysOf(personId)).toEqual({ wrapped: null, kinds: 0 });
  });

  it('before the log said so has erased nothing, and neither has the job', async () => {
    const { personId, erasureId } = await proposed();
    const parts = { log: cut('PersonErased', false) };
    await expect(erasing(parts).approve(erasureId, another)).rejects.toThrow(Crash);
    await runJob();
    expect((await erasing().find(erasureId))?.state).toBe('proposed');
    expect((await keysOf(personId))?.kinds).toBeGreaterThan(0);
    expect(await vault.myKeyId(personId)).toBeDefined();
  });

  it.each([
    ['before the persons are read', (meanwhile: () => Promise<unknown>) => ({ log: beforeReading(meanwhile) })],
    [
      'before the keys are hashed',
      (meanwhile: () => Promise<unknown>) => ({
        vault: {
          keyHashes: async (personIds: readonly string[]) => {
            await meanwhile();
            return vault.keyHashes(personIds);
          },
        },
      }),
    ],
  ])('is approved twice by one person, the second call whole %s', async (_, parts) => {
    const { personId, erasureId } = await proposed();
    const first = erasing(parts(() => erasing().approve(erasureId, another)));
    expect(await first.approve(erasureId, another)).toMatchObject({ ok: true, value: { state: 'done' } });
    expect(await keysOf(personId)).toEqual({ wrapped: null, kinds: 0 });
  });

  it('is finished though another one fails every time', async () => {
    const [failing, good] = [await proposed(), await proposed()];
    for (const { erasureId } of [failing, good]) {
      const cut = erasing({ vault: { destroyKeys: crash } });
      await expect(cut.approve(erasureId, another)).rejects.toThrow(Crash);
    }
    const { rows } = await identity.service.pool.query<{ wrapped: Buffer }>(
      'select wrapped from vault_keys where person_id = $1',
      [failing.personId],
    );
    // A key made anew, as after a wrong restore, is not the one that the log names.
    await identity.service.pool.query('delete from vault_keys where person_id = $1', [failing.personId]);
    await vault.keep([{ personId: failing.personId }], '2026-11-20T01:00:00.000Z');
    await runJob();
    const states = await Promise.all([failing, good].map(async ({ erasureId }) => erasing().find(erasureId)));
    expect(states.map((erasure) => erasure?.state)).toEqual(['approved', 'done']);
    await identity.service.pool.query('update vault_keys set wrapped = $2 where person_id = $1', [
      failing.personId,
      rows[0]?.wrapped,
    ]);
    await runJob();
    expect((await erasing().find(failing.erasureId))?.state).toBe('done');
  });

  it('makes no key for anybody erased, whoever was already past the question', async () => {
    const { personId, erasureId } = await proposed();
    await erasing().approve(erasureId, another);
    const at = '2026-11-20T01:00:00.000Z';
    const erased = { refusal: { code: 'identity.erased' } };
    await expect(vault.keep([{ personId, myKeyId: 'ABC' }], at)).rejects.toMatchObject(erased);
    await expect(vault.keepSealed(personId, 'serviceId:x', 'x', at)).rejects.toMatchObject(erased);
    expect(await vault.touchSealed(personId, 'myKeyId', at)).toBe(false);
    expect(await keysOf(personId)).toEqual({ wrapped: null, kinds: 0 });
  });
});
