import { randomUUID } from 'node:crypto';
import type { AppendRequest, EventLog } from '@tsunagu/event-store';
import { MemoryEventLog } from '@tsunagu/event-store/memory';
import { japanDay } from '@tsunagu/kernel';
import { Contradictions } from './workflows/contradictions.js';
import { FindingPerson } from './workflows/finding-person.js';
import { Merging } from './workflows/merging.js';
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

/** The service's own workflows over a log in memory; attributes and sessions, which no decision reads, are left out. */
export function startHumans() {
  let now = Date.parse('2026-11-20T01:00:00.000Z');
  const clock = { now: () => now };
  const crashing = new CrashingLog(new MemoryEventLog(clock));
  const { log } = crashing;
  const myKeyIds = new Map<string, string>();
  const vault = {
    certificateRef: (hash: string) => `ref-${hash}`,
    myKeyIdRef: (myKeyId: string) => `key-${myKeyId}`,
    myKeyId: async (personId: string) => myKeyIds.get(personId),
    keep: async (records: readonly { personId: string; myKeyId?: string }[]) => {
      for (const { personId, myKeyId } of records) if (myKeyId !== undefined) myKeyIds.set(personId, myKeyId);
    },
    forgetAttributes: async () => {},
    attributesDigest: ({ name }: { name: string | null }) => `digest-${name}`,
    likeness: () => [],
    isTelling: () => true,
  };
  const survivors = new Survivors(log);
  const recording = new RecordingAttributes(log, vault, clock, survivors);
  const merging = new Merging(log, clock, { endOfPerson: async () => {} }, vault, recording);
  const finding = new FindingPerson(log, vault, clock, survivors, new Contradictions(log, clock));
  const reviewing = new Reviewing(log, clock, survivors, merging);
  return {
    log,
    crashing,
    survivors,
    merging,
    reviewing,
    forward: () => {
      now += 1_000;
    },
    /** One sign-in: the person's id, or the refusal's code. */
    async tap(
      certificate: HumansCertificate,
      linkOf: ((hash: string) => { predecessors: readonly string[]; siblings: readonly string[] }) | undefined,
      name: string | undefined,
    ): Promise<{ readonly personId?: string; readonly code?: string }> {
      const commonName = `CARD${certificate.hash.padStart(10, '0')}13101001A`;
      const source = () =>
        wholeLineage(async (hash) => linkOf && { ...linkOf(hash), signatureCertificate: null }, certificate.hash);
      const found = await finding.find({ hash: certificate.hash, commonName }, source, randomUUID());
      if (!found.ok) return { code: found.refusal.code };
      const { personId } = found.value;
      if (name === undefined) return { personId };
      const readAt = new Date(now).toISOString();
      const told = { name, birthDate: japanDay('1990-04-01'), sex: '1', address: null };
      const table = { residenceCode: null, residenceTable: '2026-01-01', readAt, issuedAt: readAt };
      await recording.record(personId, { ...told, ...table }, randomUUID());
      return { personId };
    },
  };
}
