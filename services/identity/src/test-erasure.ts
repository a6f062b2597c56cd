import type { TestAnswer } from '@tsunagu/service-host/testing';
import type { TestIdentity } from './test-identity.js';
import { deskOf } from './test-lineage.js';

/** Two members of staff who erase, for specs. */
export function erasersOf({ service }: TestIdentity) {
  const [one, another] = [deskOf(service, 'desk-1'), deskOf(service, 'desk-2')];
  return {
    one,
    another,
    propose: (personId: string): Promise<TestAnswer> =>
      one.post('/erasures', { personId, reasonPattern: 'person_asked', evidence: 'case-1' }),
    /** Proposed by the one, approved by the other. */
    async erase(personId: string): Promise<TestAnswer> {
      const { erasureId } = (await this.propose(personId)).body;
      return another.post(`/erasures/${erasureId}/approve`);
    },
    /** The second id means the person of the first from then on. */
    async merge(keptPersonId: string, mergedPersonId: string): Promise<TestAnswer> {
      const body = { keptPersonId, mergedPersonId, reasonPattern: 'registered_twice' };
      const proposed = await one.post('/persons/merges', body);
      return proposed.status === 201 ? another.post(`/persons/merges/${proposed.body.mergeId}/approve`) : proposed;
    },
  };
}

/** Every row of every table of the service, as text; bytes in hex. */
export async function dumpOf({ service }: TestIdentity): Promise<string> {
  const { rows } = await service.pool.query<{ tablename: string }>(
    `select tablename from pg_tables where schemaname = 'identity'`,
  );
  const dumps = rows.map(async ({ tablename }) => {
    const dumped = await service.pool.query<{ text: string }>(`select t::text as text from identity."${tablename}" t`);
    return dumped.rows.map(({ text }) => `${tablename} ${text}`);
  });
  return (await Promise.all(dumps)).flat().join('\n');
}
