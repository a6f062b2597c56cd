import fc from 'fast-check';
import { stringOfCard } from './my-key-id.js';
import { decideAttributes, fold, type PersonEvent } from './person.js';
import { residenceCode } from './residence.js';

const registered: PersonEvent = { type: 'PersonRegistered', data: { personId: 'p' } };
const day = fc.integer({ min: 0, max: 3_000 }).map((n) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString());

it('a person holds the newest reading, in whatever order readings arrive', () => {
  fc.assert(
    fc.property(fc.array(day, { minLength: 1 }), (readings) => {
      const events: PersonEvent[] = [registered];
      for (const readAt of readings) {
        const person = fold(events);
        if (!person) throw new Error('not registered');
        events.push(
          ...decideAttributes(person, {
            kind: 'signatureCertificate',
            readAt,
            digest: readAt,
            attributes: ['birthDate'],
          }),
        );
      }
      const newest = [...readings].sort().at(-1);
      expect([fold(events)?.attributesReadAt, fold(events)?.attributesDigest]).toEqual([newest, newest]);
      const recorded = events.flatMap((event) => (event.type === 'AttributesVerified' ? [event.data.readAt] : []));
      expect(recorded).toEqual([...new Set(recorded)].sort());
    }),
  );
});

it('nothing comes before the registration', () => {
  const data = { personId: 'p', programmeId: 'default', myKeyIdRef: 'k' };
  expect(fold([])).toBeUndefined();
  expect(() => fold([{ type: 'MyKeyIdRegistered', data }])).toThrow();
});

it('the card’s string is the first 14 characters of its CN, where they are of that form', () => {
  expect(stringOfCard('1C2410DF79DGEL07202002B')).toBe('1C2410DF79DGEL');
  expect([stringOfCard('short'), stringOfCard('1c2410df79dgel07202002B'), stringOfCard('')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

it.each([
  ['東京都千代田区丸の内１丁目', '13101'],
  ['東京都江戸川区', '13123'],
  ['東京都　国立市', '13215'],
  ['東京都あきる野市', '13228'],
  ['東京都小笠原村', '13421'],
  ['東京都どこか', '13'],
  ['沖縄県那覇市', '47'],
  ['千代田区', null],
  ['', null],
])('the residence of %s is %s', (address, code) => {
  expect(residenceCode(address)).toBe(code);
});
