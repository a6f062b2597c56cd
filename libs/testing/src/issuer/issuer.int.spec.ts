import 'reflect-metadata';
import { createPrivateKey, sign, verify, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate as PeculiarCertificate, X509Crl } from '@peculiar/x509';
import { type Card, certificateHash, keyPool, newCard, newCards } from './card.js';
import { renewCard, revokeCard } from './card-life.js';
import { IssuerServer } from './issuer-server.js';
import { IssuerStore } from './issuer-store.js';

const nowMs = Date.parse('2026-11-20T01:00:00Z');
const directory = mkdtempSync(join(tmpdir(), 'tsunagu-issuer-'));
const keys = keyPool(2);
let store: IssuerStore;
let issuer: IssuerServer;
let server: Server;
let url: string;

beforeAll(async () => {
  store = await IssuerStore.open(directory);
  // The platform reads what another process, the command line, writes.
  issuer = new IssuerServer(await IssuerStore.open(directory), { now: () => nowMs });
  server = createServer((request, response) => void issuer.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sim-issuer`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

const certificateOf = (card: Card) => new X509Certificate(Buffer.from(card.certificate, 'base64'));
const link = async (card: Card) => (await fetch(`${url}/links/${certificateHash(card.certificate)}`)).json();
const list = async (path: string) => new X509Crl(await (await fetch(`${url}${path}`)).arrayBuffer());

describe('the test issuer', () => {
  it('issues cards of the JPKI profile, chained to the pinned key of their generation', async () => {
    const card = await newCard(store, { birthDate: '1990-04-01', residence: '13101', keys, nowMs, generation: 2 });
    const certificate = certificateOf(card);
    const pinned = (id: string) => new X509Certificate(store.authority(id).certificate.toString('pem'));
    expect(certificate.verify(pinned('authentication-2').publicKey)).toBe(true);
    expect(certificate.verify(pinned('authentication-1').publicKey)).toBe(false);
    expect(pinned('authentication-1').subject).toBe(pinned('authentication-2').subject);
    expect(certificate.subject).toMatch(/CN=[A-Z0-9]{14}13101001A$/);
    expect(certificate.validToDate.toISOString()).toBe('2031-04-01T14:59:59.000Z');
    const key = createPrivateKey({ key: Buffer.from(card.privateKey, 'base64'), format: 'der', type: 'pkcs8' });
    expect(verify('sha256', Buffer.from('n'), certificate.publicKey, sign('sha256', Buffer.from('n'), key))).toBe(true);
    expect(card.signatureCertificate).toBeDefined();
  });

  it('gives no signature pair under 15, of age at the end of the day before the birthday', async () => {
    const under = await newCard(store, { birthDate: '2011-11-22', keys, nowMs });
    const of15 = await newCard(store, { birthDate: '2011-11-21', keys, nowMs });
    expect([under.signatureCertificate, of15.signatureCertificate === undefined]).toEqual([undefined, false]);
  });

  it('tells first issue and successors', async () => {
    const first = await newCard(store, { keys, nowMs });
    const second = await renewCard(store, first, { keys, nowMs });
    const third = await renewCard(store, second, { keys, nowMs });
    expect(await link(first)).toMatchObject({ firstIssue: true, predecessors: [] });
    expect(await link(third)).toEqual({
      firstIssue: false,
      predecessors: [certificateHash(second.certificate), certificateHash(first.certificate)],
      siblings: [],
      signatureCertificate: certificateHash(third.signatureCertificate ?? ''),
    });
    issuer.mode.links = 'unavailable';
    expect((await fetch(`${url}/links/${certificateHash(first.certificate)}`)).status).toBe(503);
    issuer.mode.links = 'available';
  });

  it('lists revocations at their issuing point only', async () => {
    const card = await newCard(store, { residence: '13102', keys, nowMs });
    const serial = new PeculiarCertificate(Buffer.from(card.certificate, 'base64')).serialNumber;
    expect((await list('/crl/authentication-1/13102.crl')).findRevoked(serial)).toBeNull();
    revokeCard(store, card, { nowMs, reason: 'keyCompromise' });
    const crl = await list('/crl/authentication-1/13102.crl');
    expect(crl.findRevoked(serial)?.reason).toBe(1);
    expect(await crl.verify({ publicKey: store.authority('authentication-1').certificate.publicKey })).toBe(true);
    expect((await list('/crl/authentication-1/13103.crl')).findRevoked(serial)).toBeNull();
  });

  it('makes many with a pool of keys', async () => {
    const cards = await newCards(store, 100, { keys, nowMs });
    expect(new Set(cards.map((card) => card.subject)).size).toBe(100);
    expect(new Set(cards.map(({ privateKey }) => privateKey)).size).toBe(2);
  });
});
