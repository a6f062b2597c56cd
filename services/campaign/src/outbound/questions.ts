import { Inject, Injectable } from '@nestjs/common';
import { type RecordedEvent, SharedQuery } from '@tsunagu/event-store';
import type { Result } from '@tsunagu/kernel';
import { type EventProof, QUESTIONS, type Questions, QuestionUnanswered } from '@tsunagu/service-host';
import type { Answer, Eligibility } from '../domain/eligibility.js';
import type { ToldStanding } from '../domain/standing.js';
import type { LedgerQuestion, LedgerStep } from '../workflows/claim-replay.js';

/** Persons in one question to identity. */
const PERSONS_MAX = 500;
const CARDS_MAX = 50;

export interface Fund {
  readonly fundId: string;
  readonly ownerId: string;
  readonly dryRun: boolean;
  /** Committed and not drawn, open leases included. */
  readonly undrawnPoints: number;
}

/** What identity says of a person who claims. */
export interface Standing extends ToldStanding {
  readonly answers: readonly Answer[];
  /** Grants wait for the decision of a review. */
  readonly underReview: boolean;
  /** Whom the person's id means since a merge: mostly themselves. */
  readonly personId: string;
  /** Other ids that mean the same person. */
  readonly formerPersonIds: readonly string[];
}

interface AskedStanding {
  readonly personId: string;
  /** As JSON. */
  readonly rules: string;
  readonly at: string;
}

/** By rules, then person; or why there is no answer. */
type Answered = ReadonlyMap<string, PromiseSettledResult<ReadonlyMap<string, Standing>>>;

/** What the ledger knows of a claim; `event` is its recorded answer. */
export interface GrantState {
  readonly state: 'granted' | 'refused' | 'unknown';
  readonly event?: RecordedEvent;
}

/** The questions this service asks. Each throws QuestionUnanswered when the other side cannot be heard: an outage, never a refusal. */
@Injectable()
export class Asking {
  private readonly standings = new SharedQuery<AskedStanding, Answered>((asked) => this.askStandings(asked));

  private readonly cards = new SharedQuery<string, void>((personIds) => this.askCards(personIds));

  constructor(@Inject(QUESTIONS) private readonly questions: Questions) {}

  /**
   * Who a person is to identity, and its answers on the rules of a measure; no answers for a person it does not know. Those who ask
   * while a question is under way share the next one.
   */
  async standing(personId: string, rules: Eligibility, at: string): Promise<Standing> {
    const key = JSON.stringify(rules);
    const answered = (await this.standings.ask([{ personId, rules: key, at }])).get(key);
    if (answered?.status !== 'fulfilled') throw answered?.reason;
    return answered.value.get(personId) ?? { answers: [], underReview: false, personId, formerPersonIds: [] };
  }

  /**
   * Lets identity ask the issuer what became of a person's cards: what it says of the person afterwards rests on that. For claims that
   * waited; who claims for the first time has just signed in. An identity of an earlier release does not know the question, and nobody
   * is revoked there.
   */
  async checkCards(personId: string): Promise<void> {
    await this.cards.ask([personId]);
  }

  private async askCards(asked: readonly string[]): Promise<void> {
    const personIds = [...new Set(asked)];
    for (let from = 0; from < personIds.length; from += CARDS_MAX) {
      const part = { personIds: personIds.slice(from, from + CARDS_MAX) };
      await this.questions.ask('identity', 'card-checks', part);
    }
  }

  /** One question for each set of rules: what goes wrong with one of them is not the others'. */
  private async askStandings(asked: readonly AskedStanding[]): Promise<Answered> {
    const groups = [...Map.groupBy(asked, ({ rules }) => rules)];
    const told = await Promise.allSettled(groups.map(([rules, same]) => this.askGroup(JSON.parse(rules), same)));
    return new Map(groups.flatMap(([rules], i) => (told[i] ? [[rules, told[i]]] : [])));
  }

  private async askGroup(rules: Eligibility, asked: readonly AskedStanding[]): Promise<ReadonlyMap<string, Standing>> {
    const personIds = [...new Set(asked.map(({ personId }) => personId))];
    // Claims are accepted after the answer: on the day of whoever asked last.
    const at =
      asked
        .map((each) => each.at)
        .sort()
        .at(-1) ?? '';
    const found = new Map<string, Standing>();
    for (let from = 0; from < personIds.length; from += PERSONS_MAX) {
      const part = personIds.slice(from, from + PERSONS_MAX);
      const told = await this.questions.ask<{ standings: readonly (Standing | null)[] }>('identity', 'eligibilities', {
        personIds: part,
        rules,
        at,
      });
      // An identity of an earlier release does not know the question yet.
      if (!told) throw new QuestionUnanswered('identity', 'identity cannot be asked about many persons');
      told.standings.forEach((standing, i) => {
        if (standing) found.set(part[i] ?? '', standing);
      });
    }
    return found;
  }

  /** A fund of the ledger, whoever owns it. */
  fund(fundId: string): Promise<Fund | undefined> {
    return this.questions.ask<Fund>('point-ledger', `funds/${encodeURIComponent(fundId)}`);
  }

  /** The ledger's answer to a claim, if it has one. */
  async grant(personId: string, claimId: string): Promise<GrantState> {
    const known = await this.questions.ask<GrantState>('point-ledger', `grants/${personId}/${claimId}`);
    return known ?? { state: 'unknown' };
  }

  /** That an event of the ledger stands in its signed log. */
  async proof({ log, position }: RecordedEvent): Promise<Result<EventProof>> {
    const proved = await this.questions.ask<Result<EventProof>>(
      'point-ledger',
      `log/proof?log=${log}&position=${position}`,
    );
    if (!proved) throw new QuestionUnanswered('point-ledger', `point-ledger has no proofs of log ${log}`);
    return proved;
  }

  /** Every event of the ledger that touched a claim, its decisions made again. */
  async replay(question: LedgerQuestion): Promise<readonly LedgerStep[]> {
    const told = await this.questions.ask<{ steps: readonly LedgerStep[] }>('point-ledger', 'claim-replays', question);
    // A ledger of an earlier release does not know the question yet.
    if (!told) throw new QuestionUnanswered('point-ledger', 'the ledger cannot replay claims');
    return told.steps;
  }
}
