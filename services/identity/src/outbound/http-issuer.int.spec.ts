import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Card,
  certificateHash,
  changeAttributes,
  holdCard,
  type IssuerMode,
  IssuerServer,
  IssuerStore,
  issuePhone,
  keyPool,
  newCard,
  type OcspMode,
  renewCard,
  revokeCard,
  workingIssuer,
} from '@tsunagu/testing';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { readCertificate } from '../verification/card-certificate.js';
import { issuerOf, readTrustedAuthorities, type TrustedAuthority } from '../verification/trusted-authorities.js';
import { HttpIssuer, type IssuerOptions } from './http-issuer.js';
import type { RevocationPolicy } from './issuer.js';

const hourMs = 3_600_000;
const startMs = Date.parse('2026-11-20T01:00:00Z');

describe('the issuer over HTTP', () => {
  const keys = keyPool(2);
  const clock = { ms: startMs, now: () => clock.ms };
  let directory: string;
  let store: IssuerStore;
  let responder: IssuerServer;
  let server: Server;
  let authorities: readonly TrustedAuthority[];
  /** Answers in the issuer's place, where set. */
  let instead: RequestListener | undefined;
  const asked: string[] = [];
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tsunagu-http-issuer-'));
    store = await IssuerStore.open(directory);
    responder = new IssuerServer(store, clock);
    authorities = readTrustedAuthorities(IssuerStore.trustDirectory(directory));
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url?.split('/')[1]}`);
      if (instead) instead(request, response);
      else void responder.handle(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  afterEach(() => {
    set({});
    instead = undefined;
    clock.ms = startMs;
    asked.length = 0;
  });

  const set = (mode: Partial<IssuerMode>) => {
    responder.mode = { ...workingIssuer, ...mode };
  };
  const made = (options: Partial<IssuerOptions> = {}) => {
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return new HttpIssuer({ baseUrl, listCacheMs: 0, breakMs: 0, clock, logger, registry: new Registry(), ...options });
  };
  /** Each card at an issuing point of its own, so that no spec knows another's list. */
  let point = 13_200;
  const card = () => newCard(store, { keys, nowMs: clock.ms, residence: String(point++) });
  /** Another card at the point of the one made last. */
  const neighbour = () => newCard(store, { keys, nowMs: clock.ms, residence: String(point - 1) });
  const read = (of: Card) => {
    const certificate = readCertificate(Buffer.from(of.certificate, 'base64'));
    const authority = certificate && issuerOf(certificate, authorities, clock.ms);
    if (!certificate || !authority) throw new Error('not a card of this issuer');
    return [certificate, authority] as const;
  };
  const ask = (issuer: HttpIssuer, of: Card, policy?: RevocationPolicy) => issuer.revocation(...read(of), policy);
  const said = async (issuer: HttpIssuer, of: Card, policy?: RevocationPolicy) => {
    const answer = await ask(issuer, of, policy);
    return answer.answer === 'good' ? `good ${answer.source}` : answer.answer;
  };

  it('asks by OCSP, and no list while that says good', async () => {
    expect(await ask(made(), await card())).toEqual({
      answer: 'good',
      asOf: '2026-11-20T01:00:00.000Z',
      source: 'ocsp',
    });
    expect(asked).toEqual(['POST ocsp']);
  });

  /** What each fault of the responder leaves of a good certificate, with a list of today: reading, claim, exchange. */
  const faults: Readonly<Record<Exclude<OcspMode, 'silent'>, readonly [string, string, string]>> = {
    fresh: ['good ocsp', 'good ocsp', 'good ocsp'],
    late: ['good ocsp', 'good ocsp', 'good ocsp'],
    sha1_only: ['good ocsp', 'good ocsp', 'good ocsp'],
    unreachable: ['good list', 'good list', 'unreachable'],
    unknown: ['unknown', 'unknown', 'unknown'],
    stale: ['good list', 'good list', 'stale'],
    try_later: ['good list', 'good list', 'unreachable'],
    wrong_nonce: ['good list', 'good list', 'unreachable'],
    no_nonce: ['good list', 'good list', 'unreachable'],
    wrong_key: ['good list', 'good list', 'unreachable'],
    not_a_responder: ['good list', 'good list', 'unreachable'],
    another_certificate: ['good list', 'good list', 'unreachable'],
    malformed: ['good list', 'good list', 'unreachable'],
  };
  it.each(Object.keys(faults) as (keyof typeof faults)[])('with a responder that is %s', async (ocsp) => {
    set({ ocsp });
    const [issuer, of] = [made(), await card()];
    const answers = [
      await said(issuer, of, 'reading'),
      await said(issuer, of, 'claim'),
      await said(issuer, of, 'exchange'),
    ];
    expect(answers).toEqual(faults[ocsp]);
    // Neither source: never good, never a refusal.
    set({ ocsp, lists: 'unreachable' });
    const [reading = ''] = faults[ocsp];
    expect(await said(made(), of)).toBe(
      reading === 'good list' ? (ocsp === 'stale' ? 'stale' : 'unreachable') : reading,
    );
  });

  it('by lists: too old to read is stale, another point is none, yesterday is enough to read and not to claim', async () => {
    const of = await card();
    const each = async (lists: IssuerMode['lists']) => {
      set({ ocsp: 'unreachable', lists });
      return [await said(made(), of, 'reading'), await said(made(), of, 'claim'), await said(made(), of, 'exchange')];
    };
    expect(await each('fresh')).toEqual(['good list', 'good list', 'unreachable']);
    expect(await each('yesterday')).toEqual(['good list', 'stale', 'unreachable']);
    expect(await each('stale')).toEqual(['stale', 'stale', 'unreachable']);
    expect(await each('wrong_point')).toEqual(['unreachable', 'unreachable', 'unreachable']);
    expect(await each('unreachable')).toEqual(['unreachable', 'unreachable', 'unreachable']);
  });

  it('is revoked by OCSP while the list does not know yet, as around a renewal', async () => {
    const of = await card();
    revokeCard(store, of, { nowMs: clock.ms, reason: 'superseded' });
    set({ ocsp: 'unreachable', lists: 'yesterday' });
    const issuer = made();
    expect(await said(issuer, of)).toBe('good list');
    set({ lists: 'yesterday' });
    expect(await ask(issuer, of)).toEqual({
      answer: 'revoked',
      asOf: '2026-11-20T01:00:00.000Z',
      reason: 'superseded',
      sinceMs: startMs,
    });
    // And stays so when OCSP is away again and only yesterday's list is left.
    set({ ocsp: 'unreachable', lists: 'yesterday' });
    expect(await said(issuer, of)).toBe('revoked');
  });

  it('is revoked by the list while OCSP is away, for an exchange too', async () => {
    const of = await card();
    holdCard(store, of, { nowMs: clock.ms });
    set({ ocsp: 'unreachable' });
    expect(await ask(made(), of, 'exchange')).toMatchObject({ answer: 'revoked', reason: 'certificateHold' });
    set({ ocsp: 'stale', lists: 'unreachable' });
    expect(await said(made(), of)).toBe('revoked');
  });

  it('believes the list known before over a responder that has not heard of it yet', async () => {
    const of = await card();
    const issuer = made();
    revokeCard(store, of, { nowMs: clock.ms });
    set({ ocsp: 'unreachable' });
    expect(await said(issuer, await neighbour())).toBe('good list');
    set({ ocsp: 'late' });
    expect(await said(made(), of)).toBe('good ocsp');
    expect(await said(issuer, of)).toBe('revoked');
  });

  it('keeps a good answer as long as it is told, and lets go of it when any source says revoked', async () => {
    const of = await card();
    const issuer = made({ listCacheMs: 60_000 });
    expect([await said(issuer, of), await said(issuer, of), asked.length]).toEqual(['good ocsp', 'good ocsp', 1]);
    revokeCard(store, of, { nowMs: clock.ms });
    expect(await said(issuer, of)).toBe('good ocsp');
    set({ ocsp: 'unreachable' });
    expect(await said(issuer, await neighbour())).toBe('good list');
    expect(await said(issuer, of)).toBe('revoked');
  });

  it('keeps no answer past its own time, by the platform’s clock', async () => {
    const of = await card();
    const issuer = made({ listCacheMs: 60_000 });
    await ask(issuer, of);
    clock.ms += 2 * hourMs;
    expect(await ask(issuer, of)).toMatchObject({ answer: 'good', asOf: '2026-11-20T03:00:00.000Z' });
  });

  it('asks once for all who ask the same at the same moment', async () => {
    const issuer = made();
    const [of, other] = [read(await card()), read(await card())];
    const asking = Array.from({ length: 50 }, () => issuer.revocation(...of));
    const answers = await Promise.all([...asking, issuer.revocation(...other)]);
    expect([new Set(answers.map(({ answer }) => answer)), asked.length]).toEqual([new Set(['good']), 2]);
  });

  it('leaves a responder alone that does not answer in 2 s, and tries again after the break', async () => {
    const [of, other] = [await card(), await card()];
    const issuer = made({ breakMs: 60_000 });
    set({ ocsp: 'silent' });
    expect(await said(issuer, of, 'exchange')).toBe('unreachable');
    const before = asked.filter((each) => each === 'POST ocsp').length;
    const answers = await Promise.all(Array.from({ length: 100 }, () => said(issuer, other, 'exchange')));
    expect(new Set(answers)).toEqual(new Set(['unreachable']));
    expect([before, asked.filter((each) => each === 'POST ocsp').length]).toEqual([1, 1]);
    expect(await said(issuer, other)).toBe('good list');
    // A break without length: the next question is the trial, which ends it.
    const quick = made();
    set({ ocsp: 'unreachable' });
    expect(await said(quick, of, 'exchange')).toBe('unreachable');
    set({});
    expect(await said(quick, of, 'exchange')).toBe('good ocsp');
  });

  it('begins a break for tryLater, and none for an answer about one certificate that does not count', async () => {
    const [of, other] = [await card(), await card()];
    for (const [ocsp, then] of [
      ['try_later', 'unreachable'],
      ['another_certificate', 'good ocsp'],
    ] as const) {
      const issuer = made({ breakMs: 60_000 });
      set({ ocsp });
      expect(await said(issuer, of, 'exchange')).toBe('unreachable');
      set({});
      expect(await said(issuer, other, 'exchange')).toBe(then);
    }
  });

  it('takes no answer that is too long, elsewhere, or of another status', async () => {
    const of = await card();
    const endings: RequestListener[] = [
      (_request, response) => response.writeHead(200).end(Buffer.alloc(21_000_000)),
      (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
      (_request, response) => response.writeHead(500).end(),
      (_request, response) => response.writeHead(200).end('<html>'),
    ];
    for (const ending of endings) {
      instead = ending;
      expect(await said(made(), of)).toBe('unreachable');
    }
  });

  it('remembers that a responder takes SHA-1 only', async () => {
    const [issuer, of, other] = [made(), await card(), await card()];
    set({ ocsp: 'sha1_only' });
    await ask(issuer, of);
    await ask(issuer, other);
    expect(asked).toEqual(['POST ocsp', 'POST ocsp', 'POST ocsp']);
  });

  it('reads of a card what came before it and what is valid beside it', async () => {
    const of = await card();
    const phone = await issuePhone(store, of, { keys, nowMs: clock.ms });
    const renewed = await renewCard(store, of, { keys, nowMs: clock.ms });
    const [cardHash, phoneHash, renewedHash] = [of, phone, renewed].map(({ certificate }) =>
      certificateHash(certificate),
    );
    const signatureCertificate = certificateHash(renewed.signatureCertificate ?? '');
    const lineage = (hash = '') => made().lineage(hash);
    expect(await lineage(renewedHash)).toEqual({
      predecessors: [cardHash],
      siblings: [phoneHash],
      signatureCertificate,
    });
    expect(await lineage(phoneHash)).toEqual({ predecessors: [], siblings: [cardHash], signatureCertificate: null });
    expect(await lineage('0'.repeat(64))).toBeUndefined();
    set({ links: 'missing' });
    expect(await lineage(renewedHash)).toEqual({ predecessors: [], siblings: [], signatureCertificate });
    set({ links: 'unavailable' });
    expect(await lineage(renewedHash)).toBeUndefined();
  });

  it('reads of a signature certificate which card it is on, also after another one took its place', async () => {
    const of = await card();
    const changed = await changeAttributes(store, of, { keys, nowMs: clock.ms, residence: '27100' });
    const hashes = [of, changed].map(({ signatureCertificate = '' }) => certificateHash(signatureCertificate));
    for (const hash of hashes) expect(await made().cardsOf(hash)).toEqual([certificateHash(of.certificate)]);
    expect(await made().cardsOf('0'.repeat(64))).toBeUndefined();
    set({ links: 'unavailable' });
    expect(await made().cardsOf(hashes[0] ?? '')).toBeUndefined();
    for (const authenticationCertificates of [[], ['x'], 'a'.repeat(64), undefined]) {
      instead = (_request, response) => response.writeHead(200).end(JSON.stringify({ authenticationCertificates }));
      expect(await made().cardsOf(hashes[1] ?? '')).toBeUndefined();
    }
  });

  it.each([
    ['without siblings, as an older source', { siblings: undefined }, []],
    ['with a sibling that is no hash', { siblings: ['x'] }, undefined],
    ['with siblings that are no list', { siblings: 'a'.repeat(64) }, undefined],
    ['with 51 predecessors', { firstIssue: false, predecessors: Array(51).fill('a'.repeat(64)) }, undefined],
    ['of a first issue that follows another', { predecessors: ['a'.repeat(64)] }, undefined],
  ])('takes link data %s for what it is', async (_name, change, siblings) => {
    const answer = { firstIssue: true, predecessors: [], siblings: [], signatureCertificate: null, ...change };
    instead = (_request, response) => response.writeHead(200).end(JSON.stringify(answer));
    expect((await made().lineage('a'.repeat(64)))?.siblings).toEqual(siblings);
  });

  it('counts what it decided, so that an operator sees an outage', async () => {
    const registry = new Registry();
    const [issuer, of] = [made({ registry }), await card()];
    await ask(issuer, of, 'claim');
    set({ ocsp: 'unreachable', links: 'unavailable' });
    await ask(issuer, of, 'claim');
    await ask(issuer, of, 'exchange');
    await issuer.lineage('0'.repeat(64));
    const text = await registry.metrics();
    expect(text).toContain('tsunagu_revocation_answers_total{policy="claim",answer="good_ocsp"} 1');
    expect(text).toContain('tsunagu_revocation_answers_total{policy="claim",answer="good_list"} 1');
    expect(text).toContain('tsunagu_revocation_answers_total{policy="exchange",answer="unreachable"} 1');
    expect(text).toContain('tsunagu_link_data_answers_total{answer="unavailable"} 1');
  });

  it('writes no serial number and no hash of a certificate into a log line', async () => {
    const of = await card();
    set({ ocsp: 'wrong_nonce', lists: 'wrong_point', links: 'unavailable' });
    await ask(made(), of);
    const { serialNumber, fingerprint256 } = new X509Certificate(Buffer.from(of.certificate, 'base64'));
    const text = lines.join('').toLowerCase();
    expect(text).toContain('an ocsp answer to another question');
    expect(text).not.toContain(serialNumber.toLowerCase());
    expect(text).not.toContain(fingerprint256.replaceAll(':', '').toLowerCase());
  });
});
