import fc from 'fast-check';
import type { SettlementClose, SettlementLine } from '../domain/settlement.js';
import { halfWidthKana } from './kana.js';
import { linesSha256, settlementFiles } from './settlement-files.js';
import { type Payee, type Payer, totalYenMax, transferYenMax, zenginFile } from './zengin.js';

const payer: Payer = {
  clientCode: '12345',
  clientName: 'ﾂﾅｸﾞ',
  bankCode: '0001',
  bankName: 'ﾐｽﾞﾎ',
  branchCode: '001',
  branchName: 'ﾄｳｷﾖｳ',
  accountKind: 'current',
  accountNumber: '0000001',
};
const payee: Payee = {
  bankCode: '0005',
  bankName: 'ﾐﾂﾋﾞｼUFJ',
  branchCode: '100',
  branchName: 'ｵｵｻｶｺｳﾑﾌﾞｵｵｻｶｺｳﾑﾌﾞ',
  accountKind: 'savings',
  accountNumber: '7654321',
  payeeKana: 'ﾍﾟｲ(ｶ',
};

/** Read back field by field at the byte offsets of DOMAIN §4, with a decoder of its own: JIS X 0201 is one byte a character. */
function parse(file: Buffer) {
  const lines = file.toString('latin1').split('\r\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => {
    expect(line).toHaveLength(120);
    expect(line).toMatch(/^[\x20-\x7e\xa1-\xdf]+$/);
    const text = Array.from(line, (character) => {
      const code = character.charCodeAt(0);
      return code >= 0xa1 ? String.fromCharCode(code - 0xa1 + 0xff61) : character;
    }).join('');
    let at = 0;
    const next = (length: number) => {
      at += length;
      return text.slice(at - length, at);
    };
    return { kind: next(1), next };
  });
}

describe('the transfer file', () => {
  const file = zenginFile({ payer, payee, transferDate: '2026-12-01', amountYen: 12_300 });

  it('has header, data, trailer and end as the format says', () => {
    const [header, data, trailer, end, ...rest] = parse(file);
    expect(rest).toEqual([]);
    const read = (record: typeof header, lengths: readonly number[]) => lengths.map((length) => record?.next(length));
    expect([header?.kind, data?.kind, trailer?.kind, end?.kind]).toEqual(['1', '2', '8', '9']);
    expect(read(header, [2, 1, 10, 40, 4, 4, 15, 3, 15, 1, 7, 17])).toEqual([
      '21',
      '0',
      '0000012345',
      'ﾂﾅｸﾞ'.padEnd(40),
      '1201',
      '0001',
      'ﾐｽﾞﾎ'.padEnd(15),
      '001',
      'ﾄｳｷﾖｳ'.padEnd(15),
      '2',
      '0000001',
      ' '.repeat(17),
    ]);
    expect(read(data, [4, 15, 3, 15, 4, 1, 7, 30, 10, 1, 20, 1, 1, 7])).toEqual([
      '0005',
      'ﾐﾂﾋﾞｼUFJ'.padEnd(15),
      '100',
      'ｵｵｻｶｺｳﾑﾌﾞｵｵｻｶｺｳ',
      '0000',
      '4',
      '7654321',
      'ﾍﾟｲ(ｶ'.padEnd(30),
      '0000012300',
      '0',
      '0'.repeat(20),
      '7',
      ' ',
      ' '.repeat(7),
    ]);
    expect(read(trailer, [6, 12, 101])).toEqual(['000001', '000000012300', ' '.repeat(101)]);
    expect(read(end, [119])).toEqual([' '.repeat(119)]);
  });

  it('splits what one record cannot carry, and the parts add up', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: totalYenMax }), (amountYen) => {
        const records = parse(zenginFile({ payer, payee, transferDate: '2026-12-01', amountYen }));
        const amounts = records
          .filter(({ kind }) => kind === '2')
          .map(({ next }) => {
            next(79);
            return Number(next(10));
          });
        expect(amounts.reduce((sum, amount) => sum + amount, 0)).toBe(amountYen);
        expect(amounts.every((amount) => amount >= 1 && amount <= transferYenMax)).toBe(true);
        const trailer = records.find(({ kind }) => kind === '8');
        expect([Number(trailer?.next(6)), Number(trailer?.next(12))]).toEqual([amounts.length, amountYen]);
      }),
      { numRuns: 30 },
    );
  });

  it.each([0, -1, 0.5, totalYenMax + 1])('is not made for %d yen', (amountYen) => {
    expect(() => zenginFile({ payer, payee, transferDate: '2026-12-01', amountYen })).toThrow(RangeError);
  });

  it('is not made with a name that would take more than one byte a character', () => {
    const wrong = { ...payee, payeeKana: 'ペイ' };
    expect(() => zenginFile({ payer, payee: wrong, transferDate: '2026-12-01', amountYen: 1 })).toThrow(RangeError);
  });
});

describe('half-width kana', () => {
  it.each([
    ['カブシキガイシャ ペイ', 'ｶﾌﾞｼｷｶﾞｲｼﾔ ﾍﾟｲ'],
    ['ｼﾑﾍﾟｲ(ｶ', 'ｼﾑﾍﾟｲ(ｶ'],
    ['ヴィーナス（カ）ＡＢＣ　１', 'ｳﾞｲ-ﾅｽ(ｶ)ABC 1'],
    ['abc-1.', 'ABC-1.'],
    ['ッャュョァ', 'ﾂﾔﾕﾖｱ'],
  ])('%s becomes %s', (text, converted) => {
    expect(halfWidthKana(text)).toBe(converted);
  });

  it.each(['ヲ', '漢字', 'ひらがな', 'A/B', 'A,B', '￥1', 'é', '😀', '゛'])('%s has no place in a transfer', (text) => {
    expect(halfWidthKana(text)).toBeUndefined();
  });

  it('is stable', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'アガパッャーンＡz (（9') }), (text) => {
        const once = halfWidthKana(text);
        expect(once).toBeDefined();
        expect(halfWidthKana(once ?? '')).toBe(once);
      }),
    );
  });
});

describe('the files of a settlement', () => {
  const line = (exchangeId: string, points: number, providerReference = 'SP1'): SettlementLine => ({
    exchangeId,
    requestedAt: '2026-11-20T01:00:00.000Z',
    creditedAt: '2026-11-20T01:00:01.000Z',
    confirmedAt: '2026-11-20T01:00:02.000Z',
    providerReference,
    points,
    providerPoints: points,
    funds: [
      { fundId: 'f1', points: points - 1 },
      { fundId: 'f2', points: 1 },
    ],
    carriedIn: false,
  });
  const close = (lines: readonly SettlementLine[]): Omit<SettlementClose, 'files'> => ({
    settlementId: 's1',
    ownerId: 'demo',
    providerId: 'pay',
    providerName: 'Pay',
    from: '2026-11-20',
    to: '2026-11-20',
    transferDate: '2026-11-24',
    closedBy: 'staff:finance',
    closedAt: '2026-11-21T01:00:00.000Z',
    templateVersion: 1,
    payee: { reference: 'r', version: 3, changedBy: 'staff:operator' },
    payer: { reference: 'q' },
    exchangeCount: lines.length,
    points: 0,
    providerPoints: 0,
    amountYen: lines.reduce((sum, each) => sum + each.points, 0),
    carriedOver: { count: 1, points: 700 },
    carriedIn: { count: 0, points: 0 },
    linesSha256: linesSha256(lines),
    logPositions: [{ service: 'exchange-settlement', log: 0, position: 12 }],
  });
  const render = (lines: readonly SettlementLine[]) => settlementFiles({ close: close(lines), lines, payer, payee });
  const text = (files: ReturnType<typeof render>, name: string) =>
    files.find((file) => file.name === name)?.content.toString('utf8');

  it('are the same bytes every time', () => {
    const lines = [line('e1', 200), line('e2', 300)];
    expect(render(lines)).toEqual(render(structuredClone(lines)));
    expect(render(lines).map((file) => file.name)).toEqual([
      'exchanges.csv',
      'exchange-funds.csv',
      'statement.csv',
      'zengin.txt',
      'manifest.json',
    ]);
  });

  it('have a BOM, a header, CRLF, and no cell that a spreadsheet would run', () => {
    const csv = text(render([line('e1', 200, '=HYPERLINK("x")'), line('e2', 300, '-1+1')]), 'exchanges.csv');
    expect(csv).toBe(
      [
        '\ufeffexchangeId,requestedAt,creditedAt,confirmedAt,providerReference,points,providerPoints,amountYen',
        `e1,2026-11-20T01:00:00.000Z,2026-11-20T01:00:01.000Z,2026-11-20T01:00:02.000Z,"'=HYPERLINK(""x"")",200,200,200`,
        `e2,2026-11-20T01:00:00.000Z,2026-11-20T01:00:01.000Z,2026-11-20T01:00:02.000Z,'-1+1,300,300,300`,
        '',
      ].join('\r\n'),
    );
  });

  it('add up per fund, and say what is carried out', () => {
    expect(text(render([line('e1', 200), line('e2', 300)]), 'statement.csv')).toBe(
      [
        '\ufeffitem,fundId,exchangeCount,points,amountYen',
        'fund,f1,2,498,498',
        'fund,f2,2,2,2',
        'total,,2,500,500',
        'carried_in,,0,0,0',
        'carried_out,,1,700,700',
        '',
      ].join('\r\n'),
    );
  });

  it('are without a transfer where there is nothing to pay', () => {
    const files = render([]);
    expect(files.map((file) => file.name)).toEqual([
      'exchanges.csv',
      'exchange-funds.csv',
      'statement.csv',
      'manifest.json',
    ]);
    expect(JSON.parse(text(files, 'manifest.json') ?? '').files).toHaveLength(3);
    expect(text(files, 'exchanges.csv')?.split('\r\n')).toHaveLength(2);
  });
});
