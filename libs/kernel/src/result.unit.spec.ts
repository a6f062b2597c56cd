import { ok, refuse } from './result.js';

test('a result is a value, or a refusal with its code', () => {
  expect(ok(7)).toEqual({ ok: true, value: 7 });
  expect(refuse('fund.closed')).toEqual({ ok: false, refusal: { code: 'fund.closed' } });
  expect(refuse('fund.closed', { retryAfterSeconds: 5 })).toEqual({
    ok: false,
    refusal: { code: 'fund.closed', retryAfterSeconds: 5 },
  });
});
