import type { RevocationPolicy } from './issuer.js';
import type { OcspStatus } from './ocsp-message.js';
import { decideRevocation, type Listed } from './revocation-policy.js';

const hourMs = 3_600_000;
/** 20 November, 10:00 in Japan. */
const nowMs = Date.parse('2026-11-20T01:00:00Z');

const ocsp = (status: OcspStatus['status'], ageMs = 0): OcspStatus => ({
  status,
  thisUpdateMs: nowMs - ageMs,
  usableUntilMs: nowMs - ageMs + hourMs,
  reason: 'certificateHold',
  sinceMs: 5,
});
const list = (ageHours: number, entry?: Listed['entry'], lifeHours = 24): Listed => ({
  thisUpdateMs: nowMs - ageHours * hourMs,
  nextUpdateMs: nowMs - ageHours * hourMs + lifeHours * hourMs,
  entry,
});
const revokedEntry = { reason: 'superseded', sinceMs: 7 };

const sources = {
  nothing: { ocsp: undefined, list: undefined },
  'OCSP good': { ocsp: ocsp('good'), list: undefined },
  'OCSP good, the list known before says revoked': { ocsp: ocsp('good'), list: list(1, revokedEntry) },
  'OCSP revoked': { ocsp: ocsp('revoked'), list: undefined },
  'OCSP revoked, of three days ago, list without it': { ocsp: ocsp('revoked', 72 * hourMs), list: list(1) },
  'OCSP unknown': { ocsp: ocsp('unknown'), list: undefined },
  'OCSP unknown, list without it': { ocsp: ocsp('unknown'), list: list(1) },
  'OCSP unknown, list says revoked': { ocsp: ocsp('unknown'), list: list(1, revokedEntry) },
  'OCSP stale': { ocsp: ocsp('good', 72 * hourMs), list: undefined },
  'OCSP stale, list of today': { ocsp: ocsp('good', 72 * hourMs), list: list(1) },
  'no OCSP, list of today': { ocsp: undefined, list: list(1) },
  'no OCSP, list of today past its next update': { ocsp: undefined, list: list(2, undefined, 1) },
  'no OCSP, list of 11 h ago, yesterday in Japan': { ocsp: undefined, list: list(11) },
  'no OCSP, list of 48 h ago': { ocsp: undefined, list: list(48) },
  'no OCSP, list of 48 h and a bit ago': { ocsp: undefined, list: list(48.001) },
  'no OCSP, list of a year ago says revoked': { ocsp: undefined, list: list(366 * 24, revokedEntry) },
} as const;

/** reading, claim, exchange */
const expected: Readonly<Record<keyof typeof sources, readonly [string, string, string]>> = {
  nothing: ['unreachable', 'unreachable', 'unreachable'],
  'OCSP good': ['good ocsp', 'good ocsp', 'good ocsp'],
  'OCSP good, the list known before says revoked': ['revoked', 'revoked', 'revoked'],
  'OCSP revoked': ['revoked', 'revoked', 'revoked'],
  'OCSP revoked, of three days ago, list without it': ['revoked', 'revoked', 'revoked'],
  'OCSP unknown': ['unknown', 'unknown', 'unknown'],
  'OCSP unknown, list without it': ['unknown', 'unknown', 'unknown'],
  'OCSP unknown, list says revoked': ['revoked', 'revoked', 'revoked'],
  'OCSP stale': ['stale', 'stale', 'stale'],
  'OCSP stale, list of today': ['good list', 'good list', 'stale'],
  'no OCSP, list of today': ['good list', 'good list', 'unreachable'],
  'no OCSP, list of today past its next update': ['good list', 'stale', 'unreachable'],
  'no OCSP, list of 11 h ago, yesterday in Japan': ['good list', 'stale', 'unreachable'],
  'no OCSP, list of 48 h ago': ['good list', 'stale', 'unreachable'],
  'no OCSP, list of 48 h and a bit ago': ['stale', 'stale', 'unreachable'],
  'no OCSP, list of a year ago says revoked': ['revoked', 'revoked', 'revoked'],
};

describe('the policy by operation', () => {
  it.each(Object.keys(sources) as (keyof typeof sources)[])('%s', (name) => {
    const said = (policy: RevocationPolicy) => {
      const answer = decideRevocation({ ...sources[name], policy, nowMs });
      return answer.answer === 'good' ? `good ${answer.source}` : answer.answer;
    };
    expect([said('reading'), said('claim'), said('exchange')]).toEqual(expected[name]);
  });

  it('says of what moment it speaks, why and since when', () => {
    const asked = { policy: 'reading', nowMs } as const;
    expect(decideRevocation({ ...sources['OCSP revoked'], ...asked })).toEqual({
      answer: 'revoked',
      asOf: '2026-11-20T01:00:00.000Z',
      reason: 'certificateHold',
      sinceMs: 5,
    });
    expect(decideRevocation({ ...sources['OCSP unknown, list says revoked'], ...asked })).toEqual({
      answer: 'revoked',
      asOf: '2026-11-20T00:00:00.000Z',
      reason: 'superseded',
      sinceMs: 7,
    });
    expect(decideRevocation({ ...sources['no OCSP, list of 48 h and a bit ago'], ...asked })).toMatchObject({
      answer: 'stale',
      asOf: expect.stringMatching(/^2026-11-18T00:59:5/),
    });
    expect(decideRevocation({ ...sources['OCSP stale, list of today'], ...asked })).toMatchObject({
      asOf: '2026-11-20T00:00:00.000Z',
    });
  });
});
