import { partitionCount, publishedEvents } from '@tsunagu/contracts';
import type { RecordedEvent } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import { keyFor, partitionOf } from '../message.js';
import { decode, encodeEvent, encodeHeartbeat, type WireMessage } from './wire.js';

function recorded(type: string, data: unknown, position: number, schemaVersion = 1): RecordedEvent {
  const id = newId(1_800_000_000_000);
  return {
    id,
    type,
    schemaVersion,
    effectiveAt: '2026-11-20T01:00:00.000Z',
    correlationId: id,
    causationId: null,
    actor: 'service:campaign',
    ownerId: 'demo',
    data,
    log: 0,
    position,
    stream: 'entitlement-1',
    revision: 0,
    requestId: id,
    recordedAt: '2026-11-20T01:00:00.000Z',
  };
}

function incoming(message: WireMessage) {
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [name, Buffer.from(value)]),
  );
  return { partition: message.partition, offset: '0', value: Buffer.from(message.value), headers };
}

describe('the wire format', () => {
  it('brings every published event back as it was recorded, in every version', () => {
    for (const { type, topic, older = [], example } of publishedEvents) {
      for (const [index, data] of [...older.map((version) => version.example), example].entries()) {
        const event = recorded(type, data, 12, index + 1);
        const entry = decode(incoming(encodeEvent(event, 7)), topic);
        expect(entry).toEqual({ log: 0, previous: 7, through: 12, message: { ...event, topic, key: keyFor(event) } });
      }
    }
  });

  it('leaves a version that it does not know to the log', () => {
    for (const { type, topic, version, example } of publishedEvents) {
      const event = recorded(type, example, 12, version + 1);
      expect(decode(incoming(encodeEvent(event, 7)), topic)).toBeUndefined();
    }
  });

  it('brings heartbeats back', () => {
    expect(decode(incoming(encodeHeartbeat(0, 5, 90, 40)), 'any')).toEqual({
      log: 0,
      previous: 40,
      through: 90,
      message: null,
    });
  });

  it('makes nothing of what is not whole', () => {
    const [published] = publishedEvents;
    if (!published) throw new Error('nothing is published');
    const good = incoming(encodeEvent(recorded(published.type, published.example, 12), 7));
    const text = (value: string) => Buffer.from(value);
    const broken = [
      { ...good, value: null },
      { ...good, value: good.value.subarray(0, 40) },
      { ...good, value: text('null') },
      { ...good, headers: undefined },
      { ...good, headers: { ...good.headers, position: text('13') } },
      { ...good, headers: { ...good.headers, previous: text('12') } },
      { ...good, headers: { ...good.headers, log: text('-1') } },
      { ...good, headers: { ...good.headers, kind: text('other') } },
      { ...good, partition: (good.partition + 1) % partitionCount },
      incoming(encodeEvent(recorded(published.type, { ...(published.example as object), more: 1 }, 12), 7)),
    ];
    expect(broken.map((message) => decode(message, published.topic))).toEqual(broken.map(() => undefined));
  });

  it('never throws on bytes of unknown origin', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.dictionary(fc.string(), fc.anything()), (value, headers) => {
        expect(decode({ partition: 0, offset: '0', value: Buffer.from(value), headers }, 'any')).toBeUndefined();
      }),
    );
  });
});

describe('partitionOf', () => {
  it('never changes: a key that moved would lose its order', () => {
    expect(['019ab3f0-6c00-7000-8000-000000000001', 'sim-pay', ''].map(partitionOf)).toEqual([27, 29, 2]);
  });

  it('spreads keys over all partitions', () => {
    const used = new Set(Array.from({ length: 2_000 }, (_, i) => partitionOf(newId(1_800_000_000_000 + i))));
    expect(used.size).toBe(partitionCount);
  });
});
