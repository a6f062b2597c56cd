import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { servicePool } from '@tsunagu/service-host';
import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import type { Pool, PoolClient } from 'pg';
import { WorkerSlot } from './worker-slot.js';

/** A connection that is not given back keeps a stop waiting for ever: the pool ends when the last one is in. */

let database: TestDatabase;
let pool: Pool;
let slot: WorkerSlot;
beforeEach(async () => {
  database = await testDatabase();
  pool = servicePool({ url: database.url, schema: 'public', connectionsMax: 2 });
  slot = new WorkerSlot(pool);
});
afterEach(async () => {
  slot.onModuleDestroy();
  await pool.end();
  await database.close();
});

it('gives a connection back that breaks while the number is taken, and takes the number over another one', async () => {
  pool.once('acquire', breakOff);
  await expect(slot.number()).rejects.toThrow();
  expect(pool.totalCount).toBe(0);
  expect(await slot.number()).toBe(0);
  expect(pool.totalCount).toBe(1);
});

it('keeps no connection that it gets while it stops, or afterwards', async () => {
  const taking = slot.number();
  slot.onModuleDestroy();
  await expect(taking).rejects.toMatchObject({ code: 'store.unavailable' });
  await expect(slot.number()).rejects.toMatchObject({ code: 'store.unavailable' });
  expect(pool.totalCount).toBe(0);
});

it('is not missed by a worker that takes a number while another one looks whether it is free', async () => {
  const wide = servicePool({ url: database.url, schema: 'public', connectionsMax: 4 });
  const looking = new WorkerSlot(wide);
  expect(await looking.number()).toBe(0);
  for (let round = 0; round < 50; round += 1) {
    const taking = new WorkerSlot(wide);
    const [number] = await Promise.all([taking.number(), looking.isVacant(1), looking.isVacant(1)]);
    expect({ round, number }).toEqual({ round, number: 1 });
    expect(await looking.isVacant(1)).toBe(false);
    taking.onModuleDestroy();
    while (!(await looking.isVacant(1))) await pause(1);
  }
  looking.onModuleDestroy();
  await wide.end();
});

/** As when the server was killed in this moment. */
function breakOff(client: PoolClient): void {
  (client as unknown as { connection: { stream: Duplex } }).connection.stream.destroy();
}
