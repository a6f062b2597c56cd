import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import { eventLogSuite } from '../suite/suite.js';
import { openPlace } from './test-schema.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

eventLogSuite('PostgreSQL', (versions) => openPlace(database, versions), {
  gapFree: true,
  idsForEver: true,
  atomicStreams: true,
  modelRuns: 100,
});
