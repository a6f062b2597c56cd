import type { TestAnswer } from '@tsunagu/service-host/testing';
import { csvOf } from './files/test-list-files.js';
import { someId, startTestLedger, type TestLedger } from './test-ledger.js';

/** For specs of lists: a running ledger, a campaign's measures as campaign would tell of them, and a list's way by short names. */

export type Row = readonly [personId: string, amountPoints: number | string, reference?: string];

export interface ListStage extends TestLedger {
  readonly campaignId: string;
  /** A measure of the owner `demo`, known to the scripted campaign. */
  measure(ownerId?: string, dryRun?: boolean): string;
  /** The token of a person of `demo`: anna (who brings lists), ben (who approves), or any other name. */
  as(name: string, more?: { role?: 'operator' | 'finance' | 'auditor'; ownerId?: string }): Promise<string>;
  register(measureId: string, more?: object): Promise<string>;
  send(listId: string, file: string | Uint8Array, more?: { type?: string; by?: string }): Promise<TestAnswer>;
  act(listId: string, path: string, by: string, body?: object): Promise<TestAnswer>;
  list(listId: string): Promise<TestAnswer['body']>;
  text(listId: string, report: 'report' | 'matches' | 'refusals'): Promise<string>;
  /** A list of these rows, compared, proposed by anna, approved by ben. */
  approved(
    rows: readonly Row[],
    more: { fundId: string; measureId?: string; stagePercents?: number[]; embargoHours?: number },
  ): Promise<string>;
  /** The list once it is as wished. */
  settled(listId: string, isSo: (list: TestAnswer['body']) => boolean): Promise<TestAnswer['body']>;
  /** Starts a stage and waits until all its rows are decided. */
  granted(listId: string, stage: number): Promise<TestAnswer['body']>;
}

export const xlsxType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

export function listCsv(rows: readonly Row[]): string {
  return csvOf([
    ['personId', 'amountPoints', 'reference'],
    ...rows.map(([id, points, reference = '']) => [id, points, reference]),
  ]);
}

export async function startListStage({ logs = 1 } = {}): Promise<ListStage> {
  const campaignId = someId();
  const measures = new Map<string, { ownerId: string; dryRun: boolean }>();
  const ledger = await startTestLedger({
    logs,
    env: { LEDGER_SWEEP_SECONDS: '3600', LEDGER_LIST_ROWS_MAX: '20000' },
    questions: {
      campaign: (path: string) => {
        const [, asked, , measureId = ''] = path.split('/');
        const known = measures.get(measureId);
        return asked === campaignId && known ? { campaignId, measureId, programmeId: 'default', ...known } : undefined;
      },
    },
  });
  const tokens = new Map<string, Promise<string>>();
  const base = '/point-ledger/v1/lists';
  const stage: ListStage = {
    ...ledger,
    campaignId,
    measure(ownerId = 'demo', dryRun = false) {
      const measureId = someId();
      measures.set(measureId, { ownerId, dryRun });
      return measureId;
    },
    as(name, { role = 'operator', ownerId = 'demo' } = {}) {
      const key = `${name} ${role} ${ownerId}`;
      const token = tokens.get(key) ?? ledger.token({ role, subject: name, ownerId, ttlSeconds: 36_000_000 });
      tokens.set(key, token);
      return token;
    },
    async register(measureId, more = {}) {
      const body = { name: 'childcare 2026', campaignId, measureId, ...more };
      const headers = { 'idempotency-key': someId() };
      const answer = await ledger.call('POST', base, { token: await stage.as('anna'), body, headers });
      if (answer.status !== 201) throw new Error(`no list: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body.listId;
    },
    send: async (listId, rawBody, { type = 'text/csv', by = 'anna' } = {}) =>
      ledger.call('PUT', `${base}/${listId}/rows`, {
        token: await stage.as(by),
        rawBody,
        headers: { 'content-type': type },
      }),
    act: async (listId, path, by, body) =>
      ledger.call('POST', `${base}/${listId}/${path}`, { token: await stage.as(by), ...(body ? { body } : {}) }),
    async list(listId) {
      return (await ledger.call('GET', `${base}/${listId}`, { token: await stage.as('anna') })).body;
    },
    text: async (listId, report) =>
      (await ledger.call('GET', `${base}/${listId}/${report}`, { token: await stage.as('anna') })).body,
    async approved(rows, { fundId, measureId = stage.measure(), ...release }) {
      const listId = await stage.register(measureId);
      const steps = [
        await stage.send(listId, listCsv(rows)),
        await stage.act(listId, 'comparisons', 'anna', { fundId }),
        await stage.act(listId, 'release', 'anna', { fundId, ...release }),
        await stage.act(listId, 'release/approve', 'ben'),
      ];
      const failed = steps.find(({ status }) => status !== 200);
      if (failed) throw new Error(`list not approved: ${failed.status} ${JSON.stringify(failed.body)}`);
      return listId;
    },
    async granted(listId, number) {
      const started = await stage.act(listId, `stages/${number}/start`, 'anna');
      if (started.status !== 200) throw new Error(`stage not started: ${JSON.stringify(started.body)}`);
      const { attempt } = started.body.release.stages[number - 1];
      return stage.settled(listId, (list) => {
        const now = list.release.stages[number - 1];
        return now.state === 'granted' && now.attempt === attempt;
      });
    },
    async settled(listId, isSo) {
      for (;;) {
        // A list lies in log 0.
        const [log] = ledger.logs;
        const head = (await log?.head()) ?? 0;
        const list = await stage.list(listId);
        if (isSo(list)) return list;
        await log?.waitForAppend(head, 10_000);
      }
    },
  };
  return stage;
}
