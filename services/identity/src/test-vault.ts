import { isoTime } from '@tsunagu/kernel';
import type { Attributes } from './verification/attributes.js';

/** A vault that says yes to everything and keeps it in memory, by the times that the real one goes by. */
export function memoryVault() {
  const myKeyIds = new Map<string, string>();
  const attributesOf = new Map<string, Attributes>();
  const destroyed = new Map<string, string>();
  const forget = (personId: string, isMeant: (readAt: string) => boolean) => {
    const held = attributesOf.get(personId);
    if (held && isMeant(held.readAt)) attributesOf.delete(personId);
  };
  return {
    certificateRef: (hash: string) => `ref-${hash}`,
    myKeyIdRef: (myKeyId: string) => `key-${myKeyId}`,
    myKeyId: async (personId: string) => myKeyIds.get(personId),
    keep: async (records: readonly { personId: string; myKeyId?: string; attributes?: Attributes }[]) => {
      for (const { personId, myKeyId, attributes } of records) {
        if (destroyed.has(personId)) throw new Error('something was kept of somebody who is erased');
        if (myKeyId !== undefined) myKeyIds.set(personId, myKeyId);
        const held = attributesOf.get(personId);
        if (attributes && (!held || held.readAt <= attributes.readAt)) attributesOf.set(personId, attributes);
      }
    },
    attributes: async (personId: string) => attributesOf.get(personId),
    forgetAttributes: async (personId: string, readSince: string) => forget(personId, (readAt) => readAt >= readSince),
    forgetWithdrawn: async (personId: string, until: string) => forget(personId, (readAt) => readAt <= until),
    subjectRef: (_issuer: string, subject: string) => `ref-${subject}`,
    attributesDigest: ({ name }: { name: string | null }) => `digest-${name}`,
    likeness: () => [],
    isTelling: () => true,
    keyHashes: async (personIds: readonly string[]) =>
      new Map(personIds.map((personId) => [personId, `of ${personId}`])),
    destroyKeys: async (keyHashes: ReadonlyMap<string, string>, nowMs: number) => {
      for (const personId of keyHashes.keys()) {
        myKeyIds.delete(personId);
        attributesOf.delete(personId);
        destroyed.set(personId, isoTime(nowMs));
      }
    },
    destroyedAt: async () => destroyed,
  };
}
