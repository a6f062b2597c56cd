import { MemoryEventLog } from '@tsunagu/event-store/memory';
import { createService } from './create-service.js';
import { openKurrentLog, refuseStoreThatLacks } from './open-log.js';
import type { ServiceDefinition, ServiceParts } from './parts.js';

const clock = { now: () => 0 };

it('a service refuses to start on an event store that lacks what it needs, before it does anything else', async () => {
  const log = new MemoryEventLog(clock, 0, undefined, 1);
  const definition = { name: 'campaign', needs: ['idsForEver'] } as unknown as ServiceDefinition;
  await expect(createService(definition, { log } as unknown as ServiceParts)).rejects.toThrow(
    'campaign needs an event store that remembers every event id, and this one does not.',
  );
});

it.each([
  [undefined, { gapFree: false, idsForEver: false, atomicStreams: false }],
  [['atomicStreams'], { gapFree: false, idsForEver: false, atomicStreams: true }],
] as const)('one that needs %j starts on %j', (needs, capabilities) => {
  expect(() => refuseStoreThatLacks({ name: 'campaign', ...(needs ? { needs } : {}) }, capabilities)).not.toThrow();
});

it('says what a store of an older server cannot do', () => {
  const capabilities = { gapFree: false, idsForEver: false, atomicStreams: false };
  expect(() => refuseStoreThatLacks({ name: 'point-ledger', needs: ['atomicStreams'] }, capabilities)).toThrow(
    /point-ledger needs .*KurrentDB from 25\.1/,
  );
});

it('says how to install the client of KurrentDB where it is not', async () => {
  const options = { clock, url: 'kurrentdb://127.0.0.1:1?tls=false' };
  const opened = openKurrentLog({ name: 'campaign', schema: 'campaign' } as ServiceDefinition, options);
  const sentence =
    /^the client of KurrentDB is not installed: npm install --no-save @kurrent\/kurrentdb-client@1\.3\.1\.$/;
  // Where it is installed, nothing listens at that address.
  await expect(opened).rejects.toThrow(new RegExp(`${sentence.source}|cannot be used`));
});
