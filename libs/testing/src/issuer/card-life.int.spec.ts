import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate as PeculiarCertificate } from '@peculiar/x509';
import { type Card, certificateHash, keyPool, newCard } from './card.js';
import { changeAttributes, holdCard, issuePhone, reissueCard, renewCard, revokeCard } from './card-life.js';
import { IssuerServer, workingIssuer } from './issuer-server.js';
import { IssuerStore } from './issuer-store.js';

const nowMs = Date.parse('2026-11-20T01:00:00Z');

describe('the life of a card', () => {
  const options = { keys: keyPool(2), nowMs };
  let directory: string;
  let store: IssuerStore;
  let issuer: IssuerServer;
  let server: Server;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tsunagu-card-life-'));
    store = await IssuerStore.open(directory);
    issuer = new IssuerServer(await IssuerStore.open(directory), { now: () => nowMs });
    server = createServer((request, response) => void issuer.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  afterEach(() => {
    issuer.mode = { ...workingIssuer };
  });

  const hashOf = (card: Card) => certificateHash(card.certificate);
  const signatureOf = (card: Card) => certificateHash(card.signatureCertificate ?? '');
  const attributesIn = ({ signatureCertificate = '' }: Card) => {
    const names = new PeculiarCertificate(Buffer.from(signatureCertificate, 'base64')).getExtension('2.5.29.17');
    return Buffer.from(names?.rawData ?? new ArrayBuffer(0)).toString('utf8');
  };
  const reasonOf = (hash: string) => store.revocation(hash)?.reason;
  const link = async (card: Card) => {
    const { port } = server.address() as AddressInfo;
    return (await fetch(`http://127.0.0.1:${port}/links/${hashOf(card)}`)).json();
  };

  it('renewed without a link: the old one is superseded, and nothing names it', async () => {
    const old = await newCard(store, options);
    const renewed = await renewCard(store, old, { ...options, withoutLink: true });
    expect(await link(renewed)).toMatchObject({ firstIssue: true, predecessors: [] });
    expect(reasonOf(hashOf(old))).toBe('superseded');
  });

  it('lost, put on hold for ever, then reissued: link data names the held card', async () => {
    const lost = await newCard(store, options);
    holdCard(store, lost, options);
    const found = await reissueCard(store, lost, options);
    revokeCard(store, lost, { nowMs, reason: 'superseded' });
    expect([reasonOf(hashOf(lost)), reasonOf(signatureOf(lost))]).toEqual(['certificateHold', 'certificateHold']);
    expect(await link(found)).toMatchObject({ firstIssue: false, predecessors: [hashOf(lost)] });
  });

  it('with another name: a new signature certificate beside the same authentication certificate', async () => {
    const before = await newCard(store, { ...options, name: '試験花子', residence: '13101' });
    const after = await changeAttributes(store, before, { ...options, name: '見本花子' });
    expect([after.certificate, signatureOf(after)]).toEqual([
      before.certificate,
      expect.not.stringMatching(signatureOf(before)),
    ]);
    expect([reasonOf(signatureOf(before)), reasonOf(hashOf(before))]).toEqual(['affiliationChanged', undefined]);
    expect(await link(after)).toMatchObject({ firstIssue: true, signatureCertificate: signatureOf(after) });
    expect(attributesIn(after)).toContain('見本花子');
    // And again, after which the renewed card has the newest name.
    const moved = await changeAttributes(store, after, { ...options, residence: '13104' });
    expect(reasonOf(signatureOf(after))).toBe('affiliationChanged');
    const renewed = await renewCard(store, moved, options);
    expect(reasonOf(signatureOf(moved))).toBe('superseded');
    expect(attributesIn(renewed)).toMatch(/見本花子.*新宿区/s);
  });

  it('has no attributes to change under 15', async () => {
    const child = await newCard(store, { ...options, birthDate: '2015-01-01' });
    await expect(changeAttributes(store, child, { ...options, name: '例示桜' })).rejects.toThrow(RangeError);
  });

  it('with a phone: named beside each other, the phone ends with the next phone and with the next card', async () => {
    const card = await newCard(store, options);
    const phone = await issuePhone(store, card, options);
    const certificate = (of: Card) => new X509Certificate(Buffer.from(of.certificate, 'base64'));
    expect(certificate(phone).validTo).toBe(certificate(card).validTo);
    expect(certificate(phone).subject).not.toBe(certificate(card).subject);
    expect(await link(phone)).toEqual({
      firstIssue: true,
      predecessors: [],
      siblings: [hashOf(card)],
      signatureCertificate: null,
    });
    expect(await link(card)).toMatchObject({ firstIssue: true, siblings: [hashOf(phone)] });

    const next = await issuePhone(store, card, options);
    expect([reasonOf(hashOf(phone)), reasonOf(hashOf(next))]).toEqual(['superseded', undefined]);
    expect(await link(next)).toMatchObject({ predecessors: [hashOf(phone)], siblings: [hashOf(card)] });
    expect(await link(card)).toMatchObject({ siblings: [hashOf(next), hashOf(phone)] });

    const renewed = await renewCard(store, card, { ...options, oldStaysValid: true });
    expect([reasonOf(hashOf(next)), reasonOf(hashOf(card))]).toEqual(['superseded', undefined]);
    expect(await link(renewed)).toMatchObject({
      predecessors: [hashOf(card)],
      siblings: [hashOf(next), hashOf(phone)],
    });
    const third = await issuePhone(store, renewed, options);
    expect(await link(third)).toMatchObject({
      predecessors: [hashOf(next), hashOf(phone)],
      siblings: [hashOf(renewed), hashOf(card)],
    });
  });

  it('following two cards names both and what lies before them, once each', async () => {
    const [first, second] = [await newCard(store, options), await newCard(store, options)];
    const third = await renewCard(store, second, options);
    const both = await renewCard(store, third, { ...options, alsoFollows: first });
    expect(await link(both)).toMatchObject({ predecessors: [hashOf(third), hashOf(first), hashOf(second)] });
  });

  it('is answered without its links while they are missing, which is no outage', async () => {
    const card = await newCard(store, options);
    const phone = await issuePhone(store, card, options);
    const renewed = await renewCard(store, card, options);
    issuer.mode.links = 'missing';
    const none = { firstIssue: true, predecessors: [], siblings: [] };
    expect(await link(renewed)).toEqual({ ...none, signatureCertificate: signatureOf(renewed) });
    expect(await link(phone)).toEqual({ ...none, signatureCertificate: null });
  });

  it('is told of its own cards only', async () => {
    const foreign = { ...(await newCard(store, options)), certificate: Buffer.from('x').toString('base64') };
    await expect(renewCard(store, foreign, options)).rejects.toThrow('not one of the test issuer');
    expect(() => holdCard(store, foreign, options)).toThrow(RangeError);
  });
});
