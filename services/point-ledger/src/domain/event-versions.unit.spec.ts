import { publishedUpcasts } from '@tsunagu/contracts';
import { EventVersions } from '@tsunagu/kernel';
import { upcasts } from './event-versions.js';

it("keeps every one of the ledger's own events in its first version, apart from what it publishes", () => {
  const versions = new EventVersions(upcasts);
  for (const type of Object.keys(upcasts)) {
    expect([type, versions.newest(type)]).toEqual([type, 1]);
    expect(publishedUpcasts).not.toHaveProperty(type);
  }
});
