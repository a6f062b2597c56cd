import { randomUUID } from 'node:crypto';
import type { CertificateBound } from './domain/certificate.js';
import { isInForce, mayUse } from './domain/consent.js';
import { fold, type Person, type PersonEvent, personStream } from './domain/person.js';
import { foldReview, type Review, type ReviewEvent } from './domain/review.js';
import type { SubjectBound } from './domain/subject.js';
import { Crash, startHumans } from './test-humans.js';
import { HumansIssuer } from './test-humans-issuer.js';
import { humans, nameOf, type Step } from './test-lives.js';

const first = { actor: 'staff:first', correlationId: randomUUID() };
const second = { actor: 'staff:second', correlationId: randomUUID() };

/** Real people with their cards and phones, what link data says of them, and honest staff who now and then err. */
export class World {
  readonly service = startHumans();
  private readonly issuer = new HumansIssuer();
  private readonly linkOf = (hash: string) => this.issuer.linkOf(hash);
  /** Whose each id is, in truth: who made it. */
  readonly humanOf = new Map<string, number>();
  readonly wrongMerges: { mergeId: string; humans: readonly [number, number] }[] = [];
  /** Humans who were ever without a link, used a card that was replaced, or came by login alone. */
  readonly unusual = new Set<number>();
  /** Humans who were ever erased under one of their ids. */
  readonly erased = new Set<number>();
  readonly counts = {
    ...{ persons: 0, reviews: 0, merges: 0, crashes: 0, contradictions: 0, joined: 0 },
    ...{ withdrawals: 0, erased: 0, back: 0, signed: 0, cardsJoined: 0 },
  };

  async run(step: Step): Promise<void> {
    this.service.forward();
    switch (step.kind) {
      case 'card':
      case 'phone':
        this.issuer.issue(step.kind, step.human, step.linked);
        if (!step.linked) this.unusual.add(step.human);
        return;
      case 'lateLink':
        for (const each of this.issuer.of(step.human)) each.isLinked = true;
        return;
      case 'sourceDown':
        return this.sourceDown(step.human);
      case 'tap':
        await this.retried(step.crash, async () => {
          await Promise.all(step.taps.map((each) => this.tap(step.human, each)));
        });
        return;
      case 'login':
        await this.retried(step.crash, async () => {
          await Promise.all(Array.from({ length: step.times }, () => this.logIn(step)));
        });
        return;
      case 'joinCard':
        await this.retried(step.crash, () => this.joinCard(step));
        return;
      case 'withdraw':
        return this.withdraw(step);
      case 'decide':
        return this.decide(step.which, step.crash);
      case 'merge':
        return this.merge(step.human, step.human, step.crash);
      case 'wrongMerge':
        if (step.human !== step.other) await this.merge(step.human, step.other, undefined);
        return;
      case 'split':
        return this.split(step.crash);
      case 'erase':
        return this.erase(step.human, step.crash);
    }
  }

  /** A crash ends what was under way; then the caller comes again. */
  private async retried(plan: { appends: number; recorded: boolean } | undefined, act: () => Promise<void>) {
    const { crashing } = this.service;
    crashing.plan = plan && { ...plan };
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      this.counts.crashes += 1;
      await act();
    } finally {
      crashing.plan = undefined;
    }
  }

  private async tap(human: number, { which, old, attributes }: { which: number; old: boolean; attributes: boolean }) {
    const all = this.issuer.of(human);
    const valid = this.issuer.validOf(human);
    const certificate = old ? all.at(-1 - which) : valid[which % Math.max(1, valid.length)];
    if (!certificate) return;
    if (!valid.includes(certificate)) this.unusual.add(human);
    const name = attributes ? nameOf(human) : undefined;
    const answer = await this.service.tap(certificate, this.linkOf, name);
    if (answer.code === 'identity.under_review') this.counts.contradictions += 1;
    else await this.expectLiving(human, answer);
  }

  /** Somebody who is erased is refused, and nobody else is for it. */
  private async expectLiving(human: number, { code, personId }: { code?: string; personId?: string }): Promise<void> {
    if (code !== undefined) {
      expect([code, this.erased.has(human)]).toEqual(['identity.erased', true]);
      return;
    }
    expect((await this.service.survivors.one(personId ?? '')).erasureId).toBeNull();
    this.counts.back += this.erased.has(human) ? 1 : 0;
  }

  /** Nobody joins a login to a session that staff have mixed up with somebody else's. */
  private async logIn({ human, inSession, attributes, signs }: Extract<Step, { kind: 'login' }>): Promise<void> {
    const name = attributes ? nameOf(human) : undefined;
    const [card] = this.issuer.validOf(human);
    const joins = inSession && card !== undefined && !this.isConfused(human);
    const session = joins ? await this.service.tap(card, this.linkOf, undefined) : undefined;
    // A card that contradicts what is known opens no session.
    if (joins && session?.personId === undefined) return;
    const signed = signs && card ? { hash: card.hash, name: nameOf(human), linkOf: this.linkOf } : undefined;
    if (!joins && !signed) this.unusual.add(human);
    const answer = await this.service.logIn(`human-${human}`, name, session?.personId ?? null, signed);
    if (answer.code === undefined) {
      expect(answer.personId).toBe(session?.personId ?? answer.personId);
      await this.expectLiving(human, answer);
      this.counts.joined += joins ? 1 : 0;
      this.counts.signed += signed ? 1 : 0;
      return;
    }
    if (answer.code === 'identity.erased') return this.expectLiving(human, answer);
    // Came by login alone before: two persons, for staff to look at.
    expect([answer.code, joins || signed !== undefined]).toEqual(['identity.under_review', true]);
    this.counts.contradictions += 1;
  }

  /** The human comes by login, and some of their cards at once in that session; at times the same one without it, too. */
  private async joinCard({ human, taps, attributes }: Extract<Step, { kind: 'joinCard' }>): Promise<void> {
    if (this.isConfused(human)) return;
    this.unusual.add(human);
    const session = await this.service.logIn(`human-${human}`, undefined, null, undefined);
    if (session.personId === undefined) return this.expectLiving(human, session);
    const valid = this.issuer.validOf(human);
    const name = attributes ? nameOf(human) : undefined;
    await Promise.all(
      taps.map(async ({ which, joins }) => {
        const certificate = valid[which % Math.max(1, valid.length)];
        if (!certificate) return;
        const joining = joins ? session.personId : undefined;
        const answer = await this.service.tap(certificate, this.linkOf, name, joining);
        if (answer.code === 'identity.under_review') {
          this.counts.contradictions += 1;
          return;
        }
        await this.expectLiving(human, answer);
        if (joining === undefined || answer.code !== undefined) return;
        expect(answer.personId).toBe(joining);
        this.counts.cardsJoined += 1;
      }),
    );
  }

  /** In a session of any of the human's ids, of those that staff have mixed up with another human's as well. */
  private async withdraw({ human, which, crash }: Extract<Step, { kind: 'withdraw' }>): Promise<void> {
    const ids = [...this.humanOf].filter(([, each]) => each === human).map(([personId]) => personId);
    const personId = ids[which % Math.max(1, ids.length)];
    if (personId === undefined) return;
    await this.retried(crash, async () => {
      const code = await this.service.withdraw(personId);
      expect([undefined, 'identity.consent_not_given']).toContain(code);
      this.counts.withdrawals += code === undefined ? 1 : 0;
    });
    // Whoever the id means: nothing of them is used from then on.
    const persons = await this.service.survivors.all(personId);
    expect(persons.some(isInForce)).toBe(false);
    for (const each of persons) expect(await this.service.vault.attributes(each.personId)).toBeUndefined();
  }

  /** Nothing is decided and no review opened for anybody while the source is down. */
  private async sourceDown(human: number): Promise<void> {
    const certificate = this.issuer.of(human).at(-1);
    if (!certificate) return;
    const before = await this.service.log.head();
    const { code } = await this.service.tap(certificate, undefined, undefined);
    const mayBe = this.erased.has(human) ? ['identity.erased'] : [];
    expect([undefined, 'identity.lineage_unavailable', ...mayBe]).toContain(code);
    if (code !== undefined) expect(await this.service.log.head()).toBe(before);
  }

  /** Staff find out the truth. They do not touch what a wrong merge, not found out yet, has to do with. */
  private async decide(which: number, plan: Parameters<World['retried']>[0]): Promise<void> {
    const open = (await this.reviews()).filter(({ state }) => state !== 'decided');
    const review = open[which % Math.max(1, open.length)];
    if (!review) return;
    const { reviewId, personIds } = review;
    const whose = personIds.map((personId) => this.humanOf.get(personId) ?? -1);
    if (whose.some((human) => this.isConfused(human))) return;
    const same = new Set(whose).size === 1;
    const decision = {
      decisionId: randomUUID(),
      outcome: same ? 'same_person' : 'different_persons',
      keptPersonId: null,
      certificatePersonId: null,
      evidence: null,
    } as const;
    if (review.certificateRef !== null) expect(same).toBe(true);
    await this.retried(plan, async () => {
      const proposed = await this.service.reviewing.propose(reviewId, decision, first);
      expect(proposed.ok || proposed.refusal.code === 'identity.review_decided').toBe(true);
      expect((await this.service.reviewing.approve(reviewId, decision.decisionId, second)).ok).toBe(true);
    });
  }

  private async merge(human: number, other: number, plan: Parameters<World['retried']>[0]): Promise<void> {
    if (this.isConfused(human) || this.isConfused(other)) return;
    const [one] = await this.survivorsOf(human);
    const another = (await this.survivorsOf(other)).at(-1);
    if (!one || !another || one.personId === another.personId) return;
    // Staff are refused the other way round.
    const [kept, merged] = one.erasureId !== null && another.erasureId === null ? [another, one] : [one, another];
    const mergeId = randomUUID();
    const proposed = {
      mergeId,
      keptPersonId: kept.personId,
      mergedPersonId: merged.personId,
      reasonPattern: 'registered_twice',
      evidence: null,
    } as const;
    await this.retried(plan, async () => {
      expect((await this.service.merging.proposeMerge(proposed, first)).ok).toBe(true);
      expect((await this.service.merging.approve('merge', mergeId, second)).ok).toBe(true);
    });
    this.counts.merges += 1;
    if (human !== other) this.wrongMerges.push({ mergeId, humans: [human, other] });
  }

  private async split(plan: Parameters<World['retried']>[0]): Promise<void> {
    const wrong = this.wrongMerges.at(-1);
    if (!wrong) return;
    const { mergeId } = wrong;
    const changeId = randomUUID();
    await this.retried(plan, async () => {
      const proposed = { changeId, mergeId, reasonPattern: 'merged_in_error', evidence: null } as const;
      expect((await this.service.merging.proposeSplit(proposed, first)).ok).toBe(true);
      expect((await this.service.merging.approve('split', changeId, second)).ok).toBe(true);
    });
    this.wrongMerges.pop();
  }

  /** Staff know whose data they erase: nobody who is mixed up with somebody else. */
  private async erase(human: number, plan: Parameters<World['retried']>[0]): Promise<void> {
    if (this.isConfused(human)) return;
    const person = (await this.survivorsOf(human)).find(({ erasureId }) => erasureId === null);
    if (!person) return;
    const { personId } = person;
    const erasureId = randomUUID();
    await this.retried(plan, async () => {
      const proposed = { erasureId, personId, reasonPattern: 'person_asked', evidence: null } as const;
      expect((await this.service.erasing.propose(proposed, first)).ok).toBe(true);
      const done = await this.service.erasing.approve(erasureId, second);
      expect(done).toMatchObject({ ok: true, value: { state: 'done' } });
    });
    const erasure = await this.service.erasing.find(erasureId);
    const ids = erasure ? await this.service.erasing.erasedIds(erasure) : [];
    expect(ids.map((id) => id.personId)).toEqual(await this.service.survivors.sameAs(personId));
    expect(ids.every(({ destroyedAt }) => destroyedAt !== null)).toBe(true);
    this.erased.add(human);
    this.counts.erased += 1;
  }

  private isConfused(human: number): boolean {
    return this.wrongMerges.some(({ humans: [one, other] }) => one === human || other === human);
  }

  private async events<E>(types: readonly string[]): Promise<readonly E[]> {
    const { events } = await this.service.log.readLog({ after: 0, limit: 1_000_000, types });
    return events as unknown as readonly E[];
  }

  private async reviews(): Promise<readonly Review[]> {
    const byId = new Map<string, ReviewEvent[]>();
    for (const event of await this.events<ReviewEvent>([
      'ReviewOpened',
      'ReviewRaised',
      'DecisionProposed',
      'ReviewDecided',
    ])) {
      byId.set(event.data.reviewId, [...(byId.get(event.data.reviewId) ?? []), event]);
    }
    return [...byId.values()].flatMap((events) => foldReview(events) ?? []);
  }

  /** The persons that a human's ids mean today, oldest first. */
  private async survivorsOf(human: number): Promise<readonly Person[]> {
    const ids = [...this.humanOf].filter(([, each]) => each === human).map(([personId]) => personId);
    const survivors = await this.service.survivors.of(ids);
    return [...new Map([...survivors.values()].map((person) => [person.personId, person])).values()];
  }

  async check(): Promise<void> {
    const bound = await this.events<CertificateBound>(['CertificateBound']);
    const refs = bound.map(({ data }) => data.certificateRef);
    expect(new Set(refs).size).toBe(refs.length);
    for (const { data } of bound) {
      // Whose card it is, is whose id it is bound to: for ever, and whatever staff merged meanwhile.
      const owner = this.issuer.certificates[Number(data.certificateRef.slice('ref-'.length))]?.human ?? -1;
      if (!this.humanOf.has(data.personId)) this.humanOf.set(data.personId, owner);
      expect(this.humanOf.get(data.personId)).toBe(owner);
    }
    const subjects = await this.events<SubjectBound>(['SubjectBound']);
    expect(new Set(subjects.map(({ data }) => data.subjectRef)).size).toBe(subjects.length);
    for (const { data } of subjects) {
      const owner = Number(data.subjectRef.slice('ref-human-'.length));
      if (!this.humanOf.has(data.personId)) this.humanOf.set(data.personId, owner);
      expect(this.humanOf.get(data.personId)).toBe(owner);
    }
    const persons = await this.persons();
    for (const person of persons) {
      const { readAt } = (await this.service.vault.attributes(person.personId)) ?? {};
      // What is held was read under a consent that is in force.
      if (readAt !== undefined) expect([person.personId, mayUse(person, readAt)]).toEqual([person.personId, true]);
      if (person.attributesReadAt !== null && person.erasureId === null) expect(readAt).toBe(person.attributesReadAt);
    }
    const held = new Map(persons.map(({ personId, heldBy }) => [personId, heldBy]));
    const decided = (await this.reviews()).filter(({ state }) => state === 'decided');
    for (const { reviewId } of decided) expect([...held.values()].flat()).not.toContain(reviewId);
    for (let human = 0; human < humans; human += 1) {
      const ids = [...this.humanOf.values()].filter((each) => each === human);
      // Where link data is whole, no second id is ever made: not by phones, renewals, races or crashes.
      if (!this.unusual.has(human)) expect(ids.length).toBeLessThanOrEqual(1);
      if (this.isConfused(human)) continue;
      const known = (await this.survivorsOf(human)).filter(({ attributesDigest }) => attributesDigest !== null);
      // One person for one human, as far as anybody could tell: of all others grants wait for a review.
      const free = known.filter(({ heldBy }) => heldBy.length === 0);
      expect(free.length).toBeLessThanOrEqual(1);
    }
    this.counts.persons = this.humanOf.size;
    this.counts.reviews = (await this.reviews()).length;
  }

  private async persons(): Promise<readonly Person[]> {
    const names = [...this.humanOf.keys()].map(personStream);
    const streams = await this.service.log.readStreams(names);
    return names.flatMap((name) => fold((streams.get(name) ?? []) as unknown as readonly PersonEvent[]) ?? []);
  }
}
