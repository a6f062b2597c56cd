import { randomUUID } from 'node:crypto';
import type { AppendRequest, EventLog } from '@tsunagu/event-store';
import { MemoryEventLog } from '@tsunagu/event-store/memory';
import { japanDay, ok, refuse } from '@tsunagu/kernel';
import type { NationalLogin } from './outbound/national-login.js';
import { memoryVault } from './test-vault.js';
import type { Attributes } from './verification/attributes.js';
import { Consents } from './workflows/consents.js';
import { Contradictions } from './workflows/contradictions.js';
import { Erasing } from './workflows/erasing.js';
import { FindingPerson } from './workflows/finding-person.js';
import { Merging } from './workflows/merging.js';
import { type NationalLoginSecrets, NationalSigningIn } from './workflows/national-signing-in.js';
import { RecordingAttributes } from './workflows/recording-attributes.js';
import { Reviewing } from './workflows/reviewing.js';
import { Survivors } from './workflows/survivors.js';
import { wholeLineage } from './workflows/whole-lineage.js';

/** A certificate as the issuer knows it: whose it is, what came before it, and what the link data says of that. */
export interface HumansCertificate {
  readonly hash: string;
  readonly human: number;
  readonly kind: 'card' | 'phone';
  readonly predecessor: string | null;
  readonly sibling: string | null;
  /** Whether link data shows its ties; a missing link may come late. */
  isLinked: boolean;
}

/** What the source says of a certificate. */
export type LinkOf = (hash: string) => { predecessors: readonly string[]; siblings: readonly string[] };

/** Whose card signs in a login. */
export interface SigningHuman {
  readonly hash: string;
  readonly name: string;
  readonly linkOf: LinkOf | undefined;
}

const ties = (linkOf: LinkOf | undefined) => async (hash: string) =>
  linkOf && { ...linkOf(hash), signatureCertificate: null };

export class Crash extends Error {}

/** Ends the process, so to say, around an append: before it is recorded or after. */
export class CrashingLog {
  /** How many appends go well before the crash; undefined: none crashes. */
  plan: { appends: number; recorded: boolean } | undefined;
  readonly log: EventLog;

  constructor(inner: MemoryEventLog) {
    this.log = new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name === 'append') return (requests: readonly AppendRequest[]) => this.append(target, requests);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  private async append(inner: MemoryEventLog, requests: readonly AppendRequest[]) {
    const { plan } = this;
    if (!plan || plan.appends > 0) {
      if (plan) plan.appends -= 1;
      return inner.append(requests);
    }
    this.plan = undefined;
    if (plan.recorded) await inner.append(requests);
    throw new Crash();
  }
}

const birthDate = '1990-04-01';

/** The service's own workflows over a log in memory, between a vault and a national login that say yes to everything. */
export function startHumans() {
  let now = Date.parse('2026-11-20T01:00:00.000Z');
  const clock = { now: () => now };
  const crashing = new CrashingLog(new MemoryEventLog(clock));
  const { log } = crashing;
  const vault = memoryVault();
  const survivors = new Survivors(log);
  const recording = new RecordingAttributes(log, vault, clock, survivors);
  const consents = new Consents(log, vault, survivors);
  const merging = new Merging(log, clock, { endOfPerson: async () => {} }, vault, recording);
  const erasing = new Erasing(log, clock, { endOfPerson: async () => {} }, vault, survivors);
  const contradictions = new Contradictions(log, clock);
  const finding = new FindingPerson(log, vault, clock, survivors, contradictions);
  const login = {
    settings: { name: 'login', issuer: 'https://login.example/' },
    signs: true,
    begin: async () => {
      throw new Error('no browser here');
    },
    // The code says who came back, what they let be read and which card signed.
    complete: async ({ code }: { code: string }) => {
      const { subject } = JSON.parse(code) as { subject: string };
      return ok({ subject, accessToken: code, claims: {} });
    },
    told: async ({ accessToken }: { accessToken: string }, transactionId: string | undefined) => {
      const { name } = JSON.parse(accessToken) as { name?: string };
      const claims = name === undefined ? {} : { name, birthdate: birthDate, gender: 'male' };
      const certificate = Buffer.from(transactionId ?? '');
      return ok({
        claims,
        signature: transactionId === undefined ? undefined : { certificate, signature: certificate },
      });
    },
  } as unknown as NationalLogin;
  const signing = new Map<string, SigningHuman>();
  // Every signature is good; link data is asked as it is.
  const signatures = {
    check: async ({ certificate }: { readonly certificate: Buffer }) => {
      const card = signing.get(certificate.toString());
      if (!card) throw new Error('nobody signed');
      const { hash, name, linkOf } = card;
      const { predecessors, siblings } = (await wholeLineage(ties(linkOf), hash)) ?? {};
      if (!predecessors || !siblings) return refuse('identity.lineage_unavailable');
      return ok({ ownHashes: [hash], linkedHashes: [...predecessors, ...siblings], read: read(name) });
    },
  };
  const read = (name: string): Attributes => {
    const readAt = new Date(now).toISOString();
    const table = { residenceCode: null, residenceTable: '2026-01-01', readAt, issuedAt: readAt };
    return { source: 'signatureCertificate', name, birthDate: japanDay(birthDate), sex: '1', address: null, ...table };
  };
  const begun = {
    keep: async () => ({ loginId: randomUUID(), expiresAtMs: now + 600_000 }),
    take: async (loginId: string) => {
      const transactionId = signing.has(loginId) ? loginId : undefined;
      return ok({ ...(transactionId && { signing: { message: '', transactionId } }) } as NationalLoginSecrets);
    },
    giveBack: async () => {},
  };
  const parts = { login, begun, vault, signatures, recording, survivors, contradictions, log, clock };
  const national = new NationalSigningIn(parts);
  const reviewing = new Reviewing(log, clock, survivors, merging);
  return {
    log,
    crashing,
    survivors,
    vault,
    merging,
    reviewing,
    erasing,
    forward: () => {
      now += 1_000;
    },
    /** One sign-in, or with `joining` a card joined in that person's session: the person's id, or the refusal's code. */
    async tap(
      certificate: HumansCertificate,
      linkOf: LinkOf | undefined,
      name: string | undefined,
      joining?: string,
    ): Promise<{ readonly personId?: string; readonly code?: string }> {
      const commonName = `CARD${certificate.hash.padStart(10, '0')}13101001A`;
      const source = () => wholeLineage(ties(linkOf), certificate.hash);
      const told = name === undefined ? null : japanDay(birthDate);
      const session = joining === undefined ? undefined : { personId: joining, birthDate: told };
      const found = await finding.find({ hash: certificate.hash, commonName }, source, randomUUID(), session);
      if (!found.ok) return { code: found.refusal.code };
      const { personId } = found.value;
      if (name === undefined) return { personId };
      await recording.record(personId, read(name), randomUUID());
      return { personId };
    },
    /** By the session of any id that means them: the refusal's code, or undefined. */
    async withdraw(personId: string): Promise<string | undefined> {
      const caller = { actor: `person:${personId}`, ownerId: null };
      const acting = { caller, correlationId: randomUUID(), nowMs: now };
      const done = await consents.withdraw(personId, 'attributes', acting);
      return done.ok ? undefined : done.refusal.code;
    },
    /** Back from the national login: alone, or to be joined in the session of a person; with a card that signed in it. */
    async logIn(
      subject: string,
      name: string | undefined,
      sessionOf: string | null,
      signed?: SigningHuman,
    ): Promise<{ readonly personId?: string; readonly code?: string }> {
      const session = sessionOf === null ? null : { personId: sessionOf, tokenId: randomUUID() };
      const returned = { code: JSON.stringify({ subject, name }), state: 'state' };
      const loginId = randomUUID();
      if (signed) signing.set(loginId, signed);
      const done = await national.complete(loginId, returned, session, randomUUID());
      return done.ok ? { personId: done.value.personId } : { code: done.refusal.code };
    },
  };
}
