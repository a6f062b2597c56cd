import { coreSuite } from './core.js';
import { modelSuite } from './model.js';
import type { OpenPlace } from './place.js';
import { atomicStreamsSuite, gapFreeSuite, idsForEverSuite, readingSuite } from './reading.js';
import { versionsSuite } from './versions.js';

/** The contract as tests: the core for every adapter, one part for each capability that the adapter declares. */
export function eventLogSuite(
  adapter: string,
  open: OpenPlace,
  has: { gapFree: boolean; idsForEver: boolean; atomicStreams: boolean; modelRuns: number },
): void {
  describe(`${adapter}: core`, () => coreSuite(open));
  describe(`${adapter}: reading`, () => readingSuite(open));
  describe(`${adapter}: versions`, () => versionsSuite(open));
  if (has.gapFree) describe(`${adapter}: gapFree`, () => gapFreeSuite(open));
  if (has.idsForEver) describe(`${adapter}: idsForEver`, () => idsForEverSuite(open));
  if (has.atomicStreams) describe(`${adapter}: atomicStreams`, () => atomicStreamsSuite(open));
  if (has.gapFree && has.atomicStreams) describe(`${adapter}: model`, () => modelSuite(open, has.modelRuns));
}
