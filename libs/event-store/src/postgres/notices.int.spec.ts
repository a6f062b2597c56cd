import { setImmediate as nextTurn } from 'node:timers/promises';
import { CuttingProxy, type TestDatabase, testDatabase } from '@tsunagu/testing';
import { Client, type ClientConfig } from 'pg';
import { Notices } from './notices.js';

/** Letters that an identifier has to quote. */
const CHANNEL = 'Log "one"';

describe('notices between processes', () => {
  let database: TestDatabase;
  let config: ClientConfig;
  let other: Client;
  let toldOther: string[];
  let notices: Notices;
  let heard: number[];
  let isOver: boolean;

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.close());

  beforeEach(async () => {
    isOver = false;
    config = { connectionString: database.url, application_name: 'notices' };
    other = new Client({ connectionString: database.url });
    toldOther = [];
    other.on('notification', ({ payload }) => toldOther.push(payload ?? ''));
    await other.connect();
    await other.query(`listen ${other.escapeIdentifier(CHANNEL)}`);
    heard = [];
    notices = new Notices(config, CHANNEL, (position) => heard.push(position));
  });
  afterEach(async () => {
    isOver = true;
    await notices.close();
    await other.end();
  });

  it('reach the others, not the one who sent them', async () => {
    notices.announce(7);
    await until(() => toldOther.length > 0);
    await tell('9');
    await until(() => heard.length > 0);
    expect(toldOther[0]).toBe('7');
    expect(heard).toEqual([9]);
  });

  it('are one for a burst, with the furthest position', async () => {
    notices.listen();
    await connections(1);
    for (const position of [...Array(500).keys(), 3]) notices.announce(position);
    await until(() => toldOther.length > 0);
    notices.announce(600);
    await until(() => toldOther.includes('600'));
    expect(toldOther).toEqual(['499', '600']);
  });

  it('that come while one is being sent follow it', async () => {
    for (let position = 1; position <= 300; position += 1) {
      notices.announce(position);
      await nextTurn();
    }
    await until(() => toldOther.includes('300'));
    expect(toldOther.map(Number)).toEqual([...toldOther].map(Number).sort((a, b) => a - b));
    expect(toldOther.length).toBeLessThan(300);
  });

  it('of others are heard before anything is announced, and one who listens twice hears them once', async () => {
    notices.listen();
    notices.listen();
    await connections(1);
    notices.listen();
    await tell('4');
    await tell('5');
    await until(() => heard.includes(5));
    expect(heard).toEqual([4, 5]);
    expect(await connections(1)).toBe(1);
  });

  it('that name no position are passed over', async () => {
    notices.listen();
    await connections(1);
    for (const payload of ['x', '1.5', '1e30', '8']) await tell(payload);
    await until(() => heard.length > 0);
    expect(heard).toEqual([8]);
  });

  it('are sent and heard again after the connection was lost', async () => {
    notices.announce(1);
    await until(() => toldOther.includes('1'));
    await cut();
    await connections(1);
    await tell('2');
    await until(() => heard.includes(2));
    notices.announce(3);
    await until(() => toldOther.includes('3'));
    expect(heard).toEqual([2]);
  });

  it('announced while there is no connection are sent when there is one', async () => {
    const proxy = await CuttingProxy.start(new URL(database.url));
    const { port } = proxy;
    const url = new URL(database.url);
    // Nobody answers at this port until the configuration names the server's.
    config.connectionString = undefined;
    config.host = '127.0.0.1';
    config.port = port;
    config.user = url.username;
    config.password = url.password;
    config.database = url.pathname.slice(1);
    await proxy.close();
    notices.announce(11);
    await refused();
    config.port = Number(url.port);
    await until(() => toldOther.length > 0);
    expect(toldOther[0]).toBe('11');
    await tell('12');
    await until(() => heard.length > 0);
    expect(heard).toEqual([12]);
  });

  it('end with the connection, also one that is just being made', async () => {
    notices.announce(1);
    await notices.close();
    notices.announce(2);
    notices.listen();
    expect(await connections(0)).toBe(0);

    const second = new Notices(config, CHANNEL, () => undefined);
    second.listen();
    await connections(1);
    await second.close();
    expect(await connections(0)).toBe(0);
    await tell('3');
    await until(() => toldOther.includes('3'));
    expect(toldOther).not.toContain('2');
    expect(heard).toEqual([]);
  });

  it('are not taken up again when the connection is lost after the end', async () => {
    notices.listen();
    await connections(1);
    await cut();
    await notices.close();
    // Longer than it waits before it connects again, as the database counts.
    await database.pool.query('select pg_sleep(0.7)');
    expect(await connections(0)).toBe(0);
  });

  async function tell(payload: string): Promise<void> {
    await database.pool.query('select pg_notify($1, $2)', [CHANNEL, payload]);
  }

  async function cut(): Promise<void> {
    await database.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'notices'",
    );
    await connections(0);
  }

  async function refused(): Promise<void> {
    const attempt = new Client(config);
    await attempt.connect().then(
      () => Promise.reject(new Error('somebody answers')),
      () => attempt.end().catch(() => undefined),
    );
  }

  /** Waits until so many listen. */
  async function connections(count: number): Promise<number> {
    const listening = `select 1 from pg_stat_activity where application_name = 'notices' and datname = current_database()
      and state = 'idle' and query <> ''`;
    let found = -1;
    await until(async () => {
      found = (await database.pool.query(listening)).rows.length;
      return found === count;
    });
    return found;
  }

  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!isOver && !(await holds())) await nextTurn();
  }
});
