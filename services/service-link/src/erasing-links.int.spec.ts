import { type ServiceName, topics } from '@tsunagu/contracts';
import { appendOne, type EventLog, type RecordedEvent, toNewEvent } from '@tsunagu/event-store';
import { isoTime, newId } from '@tsunagu/kernel';
import { loadOrCreateSecret, type Questions } from '@tsunagu/service-host';
import { Crash, crash, cutLog, message, withParts } from '@tsunagu/service-host/testing';
import { secretKey, VaultMasters } from '@tsunagu/vault';
import fc from 'fast-check';
import { LinkErasures } from './jobs/link-erasures.js';
import { LinkVault, vaultUse } from './outbound/link-vault.js';
import { dumpOf, type LinkStage, startLinkStage } from './test-link-stage.js';
import { ErasingLinks } from './workflows/erasing-links.js';
import { LinkActs } from './workflows/link-acts.js';
import { readLink } from './workflows/link-streams.js';

const page = 'https://app.example/links/return';

describe('the links of a person whom identity erased', () => {
  let stage: LinkStage;
  let vault: LinkVault;
  beforeAll(async () => {
    stage = await startLinkStage({ TSUNAGU_LINK_RETURN_URLS: page });
    const { pool, keyDirectory } = stage.service;
    const hashKey = secretKey(await loadOrCreateSecret(keyDirectory, 'service-link-accounts'));
    vault = new LinkVault(pool, await VaultMasters.open(pool, keyDirectory, vaultUse), hashKey);
  });
  afterAll(() => stage.close());

  const erasedBy = (personId: string, erasureId = newId(1)) =>
    message('PersonErased', { personId, erasureId, keyHash: 'a'.repeat(64) });
  const deliver = (erased: ReturnType<typeof erasedBy>) => stage.service.deliver(topics.person, [erased]);
  const proofOf = async (erasureId: string) => {
    const token = await stage.service.token({ role: 'auditor', ownerId: 'demo' });
    return stage.service.call('GET', `/service-link/v1/link-erasures/${erasureId}`, { token });
  };
  /** The consumer's own round goes on after the delivery. */
  const done = async (erasureId: string) => {
    for (;;) {
      const head = await stage.service.log.head();
      const { body } = await proofOf(erasureId);
      if (body.keys?.every(({ state }: { state: string }) => state === 'done')) return body;
      await stage.service.log.waitForAppend(head, 1_000);
    }
  };
  const rowsOf = async (personId: string) => {
    const { rows } = await stage.service.pool.query(
      `select wrapped is null as is_destroyed,
              (select count(*)::int from link_secrets kept where kept.person_id = $1) as secrets,
              (select count(*)::int from link_accounts kept where kept.person_id = $1) as accounts
         from vault_keys where person_id = $1`,
      [personId],
    );
    return rows[0];
  };
  const gone = { is_destroyed: true, secrets: 0, accounts: 0 };

  it('end, and nothing of them can be opened any more; the proof names the key and the place in the log', async () => {
    const me = stage.person();
    const account = stage.freshAccount();
    const many = { programmeId: 'many-programme' };
    const linkId = await stage.established(me, account, many);
    const reference = (await stage.asked(linkId)).body.providerAccountRef;
    expect(reference).toMatch(/^sp-/);
    const waiting = await stage.link(me, stage.freshAccount(), { programmeId: 'asking-programme' });
    const order = { providerId: 'sim-pay', method: 'redirect', ...many };
    const begun = await stage.as(me, 'POST', 'links', order, { 'idempotency-key': newId(1) });
    expect(begun.body).toMatchObject({ state: 'requested', authorizationUrl: expect.any(String) });

    const { pool } = stage.service;
    const copied = (await pool.query('select * from link_accounts where link_id = $1', [linkId])).rows[0];
    const erased = erasedBy(me);
    await deliver(erased);
    const { erasureId } = erased.data;
    const proof = await done(erasureId);
    expect(proof).toEqual({
      erasureId,
      keys: [
        {
          personId: me,
          state: 'done',
          log: expect.any(Number),
          position: expect.any(Number),
          keyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
          destroyedAt: expect.any(String),
          waitsFor: [],
        },
      ],
    });
    const recorded = await stage.service.log.readStreams([`linkErasure-${me}`]);
    expect(recorded.get(`linkErasure-${me}`)).toMatchObject([
      { type: 'LinkErasureBegun', position: proof.keys[0].position, data: { keyHash: proof.keys[0].keyHash } },
      { type: 'LinkErasureCompleted' },
    ]);
    expect(await rowsOf(me)).toEqual(gone);
    const over = { reasonCode: 'person_erased' };
    expect((await stage.read(me, linkId)).body).toMatchObject({ state: 'ended', ...over });
    expect((await stage.read(me, waiting.body.linkId)).body).toMatchObject({ state: 'refused', ...over });
    expect((await stage.read(me, begun.body.linkId)).body).toMatchObject({ state: 'refused', ...over });
    expect((await stage.asked(linkId)).body).toMatchObject({ state: 'ended', providerAccountRef: null });
    const dump = await dumpOf(stage);
    for (const secret of [account, reference, begun.body.authorizationUrl]) expect(dump).not.toContain(secret);
    // As from a backup.
    await pool.query(
      'insert into link_accounts (link_id, person_id, reference_key, sealed, master_generation) values ($1, $2, $3, $4, null)',
      [linkId, me, copied.reference_key, copied.sealed],
    );
    const found = await readLink(stage.service.log, linkId);
    await expect(vault.accounts(found ? [found.link] : [])).rejects.toThrow('has been destroyed');
    await vault.forgetAccounts(linkId);
    // The account stays reserved: nobody else gets what a stranger may still send there.
    expect((await stage.link(stage.person(), account)).body.code).toBe('service_link.account_taken');
  });

  it('end under each id that meant the person, with a proof for each', async () => {
    const [kept, merged] = [stage.person(), stage.person()];
    const links = [
      [kept, await stage.established(kept, stage.freshAccount())],
      [merged, await stage.established(merged, stage.freshAccount())],
    ] as const;
    const erasureId = newId(1);
    await stage.service.deliver(topics.person, [erasedBy(kept, erasureId), erasedBy(merged, erasureId)]);
    await parts().job.run();
    const { keys } = await done(erasureId);
    expect(keys).toMatchObject([{ personId: kept }, { personId: merged }]);
    expect(keys[0].keyHash).not.toBe(keys[1].keyHash);
    for (const [personId, linkId] of links) {
      expect((await stage.asked(linkId)).body).toMatchObject({ state: 'ended', providerAccountRef: null });
      expect(await rowsOf(personId)).toEqual(gone);
    }
  });

  it('that was on its way to the log when its person was erased ends as well', async () => {
    const me = stage.person();
    const erased = erasedBy(me);
    await deliver(erased);
    await done(erased.data.erasureId);
    const linkId = newId(1);
    const data = { linkId, personId: me, providerId: 'sim-pay', programmeId: 'default', providersPerPerson: 'one' };
    const expiresAt = isoTime(stage.service.clock.now() + 3_600_000);
    const late = toNewEvent(
      { type: 'LinkRequested', data: { ...data, linkConfirmation: 'none', accountKey: 'late', expiresAt } },
      {
        id: newId(1),
        effectiveAt: isoTime(stage.service.clock.now()),
        correlationId: newId(1),
        causationId: null,
        actor: `person:${me}`,
        ownerId: null,
      },
    );
    const write = { stream: `link-${linkId}`, expectedRevision: 'noStream' as const, events: [late] };
    await appendOne(stage.service.log, { writes: [write] });
    await stage.service.waitForProjections();
    await parts().job.run();
    expect((await stage.read(me, linkId)).body).toMatchObject({ state: 'refused', reasonCode: 'person_erased' });
  });

  it('are not made by a correction that moves an account to somebody erased', async () => {
    const [me, other] = [stage.person(), stage.person()];
    const linkId = await stage.established(other, stage.freshAccount());
    await stage.as(other, 'POST', `links/${linkId}/dispute`, { pattern: 'not_mine' });
    const erased = erasedBy(me);
    await deliver(erased);
    await done(erased.data.erasureId);
    const links = [{ linkId, toPersonId: me }];
    const body = { pattern: 'wrong_person', outcome: 'moved', links, evidence: 'file/2026/17' };
    const proposal = await stage.asStaff('sato', 'POST', 'link-corrections', body);
    const approved = await stage.asStaff('mori', 'POST', `link-changes/${proposal.body.changeId}/approve`);
    expect(approved).toMatchObject({ status: 409, body: { code: 'identity.erased' } });
    expect((await stage.asked(linkId)).body.state).toBe('disputed');
  });

  it('are not begun anew, by nobody', async () => {
    const me = stage.person();
    const erased = erasedBy(me);
    await deliver(erased);
    await done(erased.data.erasureId);
    expect(await stage.link(me, stage.freshAccount())).toMatchObject({
      status: 409,
      body: { code: 'identity.erased' },
    });
    const refused = { refusal: { code: 'identity.erased' } };
    const link = { linkId: newId(1), personId: me };
    await expect(vault.keepSecrets(link, { providerAccountId: '1', securityCode: '2' })).rejects.toMatchObject(refused);
    await expect(vault.keepAccount(link, 'key', { providerAccountRef: 'sp-1' })).rejects.toMatchObject(refused);
    expect(await rowsOf(me)).toEqual(gone);
  });

  it('an exchange under way keeps its account until the provider has answered; nothing new goes out', async () => {
    const me = stage.person();
    const linkId = await stage.established(me, stage.freshAccount());
    const reference = (await stage.asked(linkId)).body.providerAccountRef;
    const exchangeId = newId(1);
    stage.world.openExchanges.set(linkId, [{ exchangeId, state: 'submitted', points: 100 }]);
    const erased = erasedBy(me);
    await deliver(erased);
    const { job } = parts();
    await job.run();
    expect((await proofOf(erased.data.erasureId)).body.keys).toMatchObject([
      { state: 'begun', destroyedAt: null, waitsFor: [exchangeId] },
    ]);
    // As the sweep does.
    await stage.service.waitForProjections();
    await vault.forgetAccountsOfEndedLinks();
    expect((await stage.asked(linkId)).body).toMatchObject({ state: 'ended', providerAccountRef: reference });
    expect((await stage.read(me, linkId)).body).not.toHaveProperty('maskedName');
    stage.world.openExchanges.clear();
    await job.run();
    expect((await proofOf(erased.data.erasureId)).body.keys).toMatchObject([{ state: 'done', waitsFor: [] }]);
    expect((await stage.asked(linkId)).body).toMatchObject({ state: 'ended', providerAccountRef: null });
    expect(await rowsOf(me)).toEqual(gone);
  });

  it('a disputed one gives its account to nobody, and waits for nothing', async () => {
    const me = stage.person();
    const linkId = await stage.established(me, stage.freshAccount());
    await stage.as(me, 'POST', `links/${linkId}/dispute`, { pattern: 'wrong_account' });
    stage.world.openExchanges.set(linkId, [{ exchangeId: newId(1), state: 'outcome_unknown', points: 100 }]);
    const erased = erasedBy(me);
    await deliver(erased);
    await done(erased.data.erasureId);
    stage.world.openExchanges.clear();
    expect((await stage.asked(linkId)).body).toMatchObject({ state: 'ended', providerAccountRef: null });
  });

  /** The workflow as the service has it, with some of its parts ending the process, so to say, when they are called. */
  function parts(cut: { log?: EventLog; vault?: Partial<LinkVault> } = {}) {
    const { pool, clock, questions, waitForProjections } = stage.service;
    const log = cut.log ?? stage.service.log;
    const asked: Questions = {
      ask: async <T>(service: ServiceName, path: string) => questions[service]?.(path, undefined) as T | undefined,
    };
    const upToDate = { waitFor: () => waitForProjections().then(() => true) };
    const through = withParts(vault, cut.vault);
    const acts = new LinkActs(log, clock, asked, through);
    const erasing = new ErasingLinks(log, clock, asked, pool, upToDate, through, acts);
    const quiet = { warn: () => undefined, info: () => undefined };
    return { erasing, job: new LinkErasures(erasing, { sweepSeconds: 3_600 }, quiet) };
  }

  const cutAt = (type: string, recorded: boolean) => cutLog(stage.service.log, type, recorded);
  const cuts: readonly (() => Parameters<typeof parts>[0])[] = [
    () => ({ log: cutAt('LinkErasureBegun', false) }),
    () => ({ log: cutAt('LinkErasureBegun', true) }),
    () => ({ log: cutAt('LinkEnded', false) }),
    () => ({ log: cutAt('LinkEnded', true) }),
    () => ({ vault: { linksWithAccounts: crash } }),
    () => ({ vault: { erase: crash } }),
    () => ({ log: cutAt('LinkErasureCompleted', false) }),
    () => ({ log: cutAt('LinkErasureCompleted', true) }),
  ];

  it('a process may stop at any step, any number of times, in any order with others: it is finished, and once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(cuts.length - 1), { maxLength: 4 }),
        fc.integer({ min: 0, max: 2 }),
        async (crashes, links) => {
          const me = stage.person();
          const accounts: string[] = [];
          const references: string[] = [];
          for (let made = 0; made < links; made += 1) {
            const account = stage.freshAccount();
            const programmeId = made === 0 ? 'many-programme' : 'free-programme';
            const linkId = await stage.established(me, account, { programmeId });
            accounts.push(account);
            references.push((await stage.asked(linkId)).body.providerAccountRef);
          }
          const erased = erasedBy(me) as RecordedEvent & ReturnType<typeof erasedBy>;
          for (const at of crashes) {
            const { erasing } = parts(cuts[at]?.());
            const stopped = async () => {
              await erasing.begin(erased);
              await erasing.finish(me);
            };
            await stopped().catch((error) => expect(error).toBeInstanceOf(Crash));
          }
          const { erasing, job } = parts();
          await erasing.begin(erased);
          await Promise.all([job.run(), parts().job.run()]);
          expect(await rowsOf(me)).toEqual(gone);
          const stream = `linkErasure-${me}`;
          const recorded = (await stage.service.log.readStreams([stream])).get(stream) ?? [];
          expect(recorded.map(({ type }) => type)).toEqual(['LinkErasureBegun', 'LinkErasureCompleted']);
          expect(await erasing.finish(me)).toEqual([]);
          const dump = await dumpOf(stage);
          for (const secret of [...accounts, ...references]) expect(dump).not.toContain(secret);
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);
});
