import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { DataOf } from '@tsunagu/contracts';
import { UnprocessableMessage } from '@tsunagu/event-feed';
import {
  appendSurely,
  domainEvents,
  type EventLog,
  expectedRevision,
  type RecordedEvent,
  toNewEvent,
} from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import {
  decideCaptured,
  decideHeld,
  decideHoldRefused,
  decideReleased,
  type Exchange,
  type ExchangeEvent,
  evolve,
  exchangeStream,
  fold,
} from '../domain/exchange.js';
import {
  contractOf,
  fold as foldProvider,
  type Provider,
  type ProviderEvent,
  providerStream,
} from '../domain/provider.js';
import { Bell } from './bell.js';
import { ExchangeWorkflow } from './exchange.js';

export const ledgerTypes: readonly string[] = ['PointsHeld', 'HoldRefused', 'HoldCaptured', 'HoldReleased'];

/** Rounds lost to other writers of the same exchanges before it counts as an outage. */
const roundsMax = 20;

/** What the ledger decided about holds, taken into the exchanges: from the feed, or from a question when an answer is overdue. */
@Injectable()
export class LedgerAnswers {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly workflow: ExchangeWorkflow,
    private readonly bell: Bell,
  ) {}

  /** Resolves when all of it is on the log. A second time it changes nothing. */
  async take(answers: readonly RecordedEvent[]): Promise<void> {
    let pending = byExchange(answers);
    for (let round = 0; pending.size > 0; round += 1) {
      if (round > roundsMax) throw new Error(`${pending.size} exchanges still contested after ${round} rounds`);
      if (round > 0) await pause(Math.random() * 10 * round);
      pending = await this.#round(pending);
    }
    for (const answer of answers) {
      this.bell.ring((answer.data as { exchangeId: string }).exchangeId);
      if (answer.type === 'PointsHeld') void this.workflow.advance((answer.data as DataOf<'PointsHeld'>).exchangeId);
    }
  }

  /** One request an exchange. Gives back those that another writer was faster on. */
  async #round(pending: ReadonlyMap<string, readonly RecordedEvent[]>): Promise<Map<string, readonly RecordedEvent[]>> {
    const streams = await this.log.readStreams([...pending.keys()].map(exchangeStream));
    const exchanges = new Map(
      [...pending.keys()].map((id) => [id, domainEvents<ExchangeEvent>(streams.get(exchangeStream(id)))]),
    );
    const providers = await this.#providers([...exchanges.values()].flatMap((events) => fold(events) ?? []));
    const at = isoTime(this.clock.now());
    const planned = [...pending].flatMap(([exchangeId, answers]) => {
      const recorded = exchanges.get(exchangeId) ?? [];
      let state = fold(recorded);
      const events = answers.flatMap((answer) => {
        if (!state) throw new UnprocessableMessage(answer.id, `${answer.type} of an exchange that is not known here`);
        const decided = decide(state, answer, providers);
        state = decided.reduce<Exchange | undefined>(evolve, state);
        const ownerId = payerOf(state);
        return decided.map((event) =>
          toNewEvent(event, {
            id: derivedId(event.type, answer.id),
            effectiveAt: at,
            correlationId: answer.correlationId,
            causationId: answer.id,
            actor: 'service:exchange-settlement',
            ownerId,
          }),
        );
      });
      if (events.length === 0) return [];
      const write = { stream: exchangeStream(exchangeId), expectedRevision: expectedRevision(recorded), events };
      return [{ exchangeId, answers, request: { writes: [write] } }];
    });
    if (planned.length === 0) return new Map();
    const outcomes = await appendSurely(
      this.log,
      planned.map((plan) => plan.request),
    );
    const lost = planned.filter((_, index) => outcomes[index]?.outcome === 'conflict');
    return new Map(lost.map((plan) => [plan.exchangeId, plan.answers]));
  }

  async #providers(exchanges: readonly Exchange[]): Promise<ReadonlyMap<string, Provider>> {
    const ids = [...new Set(exchanges.map((exchange) => exchange.request.providerId))];
    const streams = await this.log.readStreams(ids.map(providerStream));
    return new Map(
      ids.flatMap((id) => {
        const provider = foldProvider(domainEvents<ProviderEvent>(streams.get(providerStream(id))));
        return provider ? [[id, provider] as const] : [];
      }),
    );
  }
}

function decide(
  state: Exchange,
  answer: RecordedEvent,
  providers: ReadonlyMap<string, Provider>,
): readonly ExchangeEvent[] {
  switch (answer.type) {
    case 'PointsHeld': {
      const held = answer.data as DataOf<'PointsHeld'>;
      const provider = providers.get(state.request.providerId);
      const stranger = held.lots.find((lot) => !contractOf(provider, lot.ownerId));
      if (!provider || stranger)
        throw new UnprocessableMessage(answer.id, 'PointsHeld takes a lot of an owner without a contract');
      return decideHeld(state, held, provider);
    }
    case 'HoldRefused':
      return decideHoldRefused(state, answer.data as DataOf<'HoldRefused'>);
    case 'HoldCaptured':
      return decideCaptured(state, answer.data as DataOf<'HoldCaptured'>, {
        log: answer.log,
        position: answer.position,
      });
    case 'HoldReleased':
      return decideReleased(state, answer.data as DataOf<'HoldReleased'>);
    default:
      return [];
  }
}

/** The owner where all lots have one. */
function payerOf(state: Exchange | undefined): string | null {
  const owners = new Set(state?.lots?.map((lot) => lot.ownerId) ?? state?.request.payingOwnerIds ?? []);
  const [owner] = owners;
  return owners.size === 1 && owner !== undefined ? owner : null;
}

function byExchange(answers: readonly RecordedEvent[]): Map<string, readonly RecordedEvent[]> {
  const groups = new Map<string, RecordedEvent[]>();
  for (const answer of answers) {
    const { exchangeId } = answer.data as { exchangeId: string };
    const group = groups.get(exchangeId);
    if (group) group.push(answer);
    else groups.set(exchangeId, [answer]);
  }
  return groups;
}
