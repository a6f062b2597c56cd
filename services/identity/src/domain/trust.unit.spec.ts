import { schemaErrors } from '@tsunagu/contracts';
import fc from 'fast-check';
import { type CertificateLook, decideRestored, decideTrust, evolveTrust, initialTrust, type Trusted } from './trust.js';

const personId = '019ab3f0-6c00-7000-8000-000000000001';
const revokedAt = '2026-11-30T07:00:00.000Z';
const fresh: Trusted = { personId, ...initialTrust };
const good = (certificateRef: string): CertificateLook => ({ certificateRef, answer: 'good' });
const over = (certificateRef: string): CertificateLook => ({ certificateRef, answer: 'over' });
const unsure = (certificateRef: string): CertificateLook => ({ certificateRef, answer: 'unsure' });
const revoked = (certificateRef: string, reason: string): CertificateLook => ({
  certificateRef,
  answer: 'revoked',
  reason,
  revokedAt,
});
const after = (person: Trusted, looks: readonly CertificateLook[], hasLogin = false) =>
  decideTrust(person, looks, hasLogin).reduce(evolveTrust, person);

describe('a person is revoked', () => {
  it.each(['keyCompromise', 'privilegeWithdrawn', 'cessationOfOperation', 'cACompromise', 'aACompromise'])(
    'whose only certificate was revoked for %s',
    (reason) => {
      const events = decideTrust(fresh, [revoked('a', reason)], false);
      expect(events).toEqual([
        { type: 'CertificateRevoked', data: { personId, certificateRef: 'a', reason, revokedAt } },
        { type: 'IdentityRevoked', data: { personId, change: 1 } },
      ]);
      expect(schemaErrors('IdentityRevoked', 1, events[1]?.data)).toEqual([]);
    },
  );

  it('once, however often it is looked', () => {
    const found = after(fresh, [revoked('a', 'keyCompromise')]);
    expect(decideTrust(found, [revoked('a', 'keyCompromise')], false)).toEqual([]);
    expect(decideTrust(found, [over('a')], false)).toEqual([]);
  });

  it.each<[string, readonly CertificateLook[]]>([
    ['the others are on hold, expired or changed', [revoked('h', 'certificateHold'), over('e')]],
    ['the one before it was superseded by it', [revoked('old', 'superseded')]],
  ])('where %s', (_, others) => {
    const person = { ...fresh, succeededRefs: ['old'] };
    expect(after(person, [...others, revoked('a', 'keyCompromise')]).revocation.revoked).toBe(true);
  });
});

describe('a person is not revoked', () => {
  it.each<[string, readonly CertificateLook[], boolean]>([
    ['who has nothing', [], false],
    ['whose card was superseded', [revoked('a', 'superseded')], false],
    ['whose attributes changed', [revoked('a', 'affiliationChanged')], false],
    ['whose card is on hold', [revoked('a', 'certificateHold')], false],
    ['whose card was revoked for no reason that is told', [revoked('a', 'unspecified')], false],
    ['whose card expired', [over('a')], false],
    ['whose phone is good', [revoked('a', 'keyCompromise'), good('phone')], false],
    ['of whose phone the issuer says nothing', [revoked('a', 'keyCompromise'), unsure('phone')], false],
    ['whose new card is to come', [revoked('a', 'keyCompromise'), revoked('b', 'superseded')], false],
    ['who has a national login', [revoked('a', 'keyCompromise')], true],
  ])('%s', (_, looks, hasLogin) => {
    expect(after(fresh, looks, hasLogin).revocation).toEqual({ change: 0, revoked: false });
  });
});

describe('a person who was revoked', () => {
  const person = after(fresh, [revoked('a', 'keyCompromise')]);

  it('is restored by signing in with what is good, by a look that finds it, and by a login', () => {
    const restored = [{ type: 'IdentityRestored', data: { personId, change: 2 } }];
    expect(decideRestored(person)).toEqual(restored);
    expect(decideTrust(person, [over('a'), good('b')], false)).toEqual(restored);
    expect(decideTrust(person, [], true)).toEqual(restored);
    expect(decideRestored(restored.reduce((now, event) => evolveTrust(now, event as never), person))).toEqual([]);
  });

  it('stays so while the issuer cannot be heard', () => {
    expect(decideTrust(person, [over('a'), unsure('b')], false)).toEqual([]);
  });

  it('can be revoked anew: every change has the next number', () => {
    const looks = fc.array(
      fc.oneof(
        fc.constantFrom('a', 'b').map(good),
        fc.constantFrom('a', 'b').map(unsure),
        fc.constantFrom('a', 'b').map((ref) => revoked(ref, 'keyCompromise')),
      ),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(looks, fc.boolean())), (rounds) => {
        let now: Trusted = fresh;
        const changes: number[] = [];
        for (const [found, hasLogin] of rounds) {
          const events = decideTrust(now, found, hasLogin);
          changes.push(...events.flatMap(({ type, data }) => ('change' in data && type ? [data.change] : [])));
          now = events.reduce(evolveTrust, now);
          expect(now.revocation.revoked).toBe(now.revocation.change % 2 === 1);
        }
        expect(changes).toEqual(changes.map((_, i) => i + 1));
      }),
    );
  });
});
