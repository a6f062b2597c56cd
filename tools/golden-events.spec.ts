import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { publishedUpcasts } from '@tsunagu/contracts';
import { definitions } from '../services/platform/src/services.js';
import { type EventKind, eventKinds, goldenFiles, goldenFindings, hashList, hashOf } from './golden-events.js';

const root = resolve(import.meta.dirname, '..');
const kinds = eventKinds(definitions);

it('every event of every version ever recorded is read as it always was (else: npm run golden)', () => {
  expect(goldenFindings(root, kinds)).toEqual([]);
});

it.each(definitions)('$name lists its own events, and no published one', ({ upcasts }) => {
  const own = Object.keys(upcasts ?? {});
  expect(own.length).toBeGreaterThan(0);
  expect(own.filter((type) => type in publishedUpcasts)).toEqual([]);
});

describe('what is found', () => {
  const grantV1 = 'libs/contracts/golden/PointsGranted.v1.json';
  const grantV2 = 'libs/contracts/golden/PointsGranted.v2.json';
  const fund = 'services/point-ledger/golden/FundCommitted.v1.json';
  let copy: string;
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'golden-'));
    for (const path of [hashList, ...globSync(goldenFiles, { cwd: root })]) {
      cpSync(join(root, path), join(copy, path), { recursive: true });
    }
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  const change = (path: string, from: string | RegExp, to: string) => {
    const text = readFileSync(join(copy, path), 'utf8');
    expect(text).toMatch(from);
    writeFileSync(join(copy, path), text.replace(from, to));
  };
  const find = (changed: readonly EventKind[] = kinds) => goldenFindings(copy, changed);
  const withSteps = (type: string, steps: EventKind['steps']) =>
    kinds.map((kind) => (kind.type === type ? { ...kind, steps } : kind));

  it('nothing in a copy as it is', () => {
    expect(find()).toEqual([]);
  });

  it('a file that was changed, whether or not it could still be read', () => {
    change(fund, '"amountPoints": ', '"amountPoints": 1');
    expect(find()).toEqual([`${fund}: has changed; what was recorded never does`]);
  });

  it('an older file and its hash changed together: it becomes something else than before', () => {
    const before = hashOf(copy, grantV1);
    change(grantV1, '"amountPoints": 3000', '"amountPoints": 4000');
    change(hashList, before, hashOf(copy, grantV1));
    expect(find()).toEqual([expect.stringContaining(`${grantV2}: the event recorded in version 1 becomes`)]);
  });

  it('a file that is gone, from the tree or from the list', () => {
    rmSync(join(copy, fund));
    change(hashList, new RegExp(`.*${grantV1}\n`), '');
    expect(find().toSorted()).toEqual([
      expect.stringContaining(`${grantV1}: not listed in ${hashList}`),
      expect.stringContaining(`${fund}: listed in ${hashList}, and gone`),
      expect.stringContaining(`${fund}: there is no golden file of FundCommitted in version 1`),
    ]);
  });

  it('a new version, or a new type, without a file', () => {
    expect(find(withSteps('FundCommitted', [(data) => data]))).toEqual([
      expect.stringContaining('no golden file of FundCommitted in version 2'),
    ]);
    const fresh = { type: 'FundClosed', steps: [], directory: dirname(fund), published: false };
    expect(find([...kinds, fresh])).toEqual([expect.stringContaining('no golden file of FundClosed in version 1')]);
  });

  it('an upcaster that does otherwise than it did, and one that is gone', () => {
    const careless = withSteps('PointsGranted', [(data) => ({ ...data, legalClass: 'prepaid' })]);
    expect(find(careless)).toEqual([expect.stringContaining('becomes')]);
    expect(find(withSteps('PointsGranted', []))).toEqual([`${grantV2}: no event has this version`]);
  });

  it('a published event that does not keep the schema of its version', () => {
    change(grantV1, '"dryRun": false', '"dryRun": 0');
    expect(find()).toContainEqual(expect.stringMatching(/PointsGranted\.v1\.json: \/dryRun/));
  });
});
