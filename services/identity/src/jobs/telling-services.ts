import { randomUUID } from 'node:crypto';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { type Clock, idFromScope } from '@tsunagu/kernel';
import type { ProviderAnswer, ProviderCalls } from '@tsunagu/provider-client';
import { Rounds } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import { failuresMax, toldSince } from '../domain/webhook-delivery.js';
import type { WebhookDeliveries } from '../outbound/webhook-deliveries.js';
import type { EndedMemberships } from '../projections/ended-memberships.js';
import type { Memberships } from '../workflows/memberships.js';

/** Services told at the same moment; one that answers slowly takes one of these places, for one attempt at a time. */
const servicesMax = 64;
/** Deliveries to one service before others may have its place. */
const roundMax = 100;

/**
 * Tells services by webhook which of their ids are valid no longer: one id a request, in the order of the log, the next one after the
 * one before was taken. At least once: where a process ends between a delivery and its record, the same one is sent again with the same
 * Idempotency-Key.
 */
export class TellingServices implements OnModuleInit, OnModuleDestroy {
  private readonly looks = new Rounds();
  private readonly rounds = new Map<string, Promise<void>>();
  private stopping = false;

  constructor(
    private readonly parts: {
      readonly memberships: Pick<Memberships, 'known'>;
      readonly ended: EndedMemberships;
      readonly deliveries: WebhookDeliveries;
      readonly calls: ProviderCalls;
      readonly clock: Clock;
      readonly logger: Logger;
      readonly everyMs: number;
    },
  ) {}

  onModuleInit(): void {
    this.looks.start(this.parts.everyMs, () => this.look());
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    await this.looks.stop();
    await Promise.all(this.rounds.values());
  }

  private async look(): Promise<void> {
    try {
      for (const service of await this.parts.deliveries.due(servicesMax)) {
        if (this.stopping || this.rounds.size >= servicesMax) return;
        if (!this.rounds.has(service))
          this.rounds.set(
            service,
            this.round(service).finally(() => this.rounds.delete(service)),
          );
      }
    } catch (error) {
      this.parts.logger.warn({ reason: (error as Error).message }, 'webhooks were not looked at; tried again later');
    }
  }

  private async round(service: string): Promise<void> {
    const { deliveries, logger } = this.parts;
    const leaseId = randomUUID();
    try {
      if (!(await deliveries.lease(service, leaseId))) return;
      let told = 0;
      while (!this.stopping && told < roundMax && (await this.tellNext(service, leaseId))) told += 1;
      await deliveries.release(service, leaseId);
    } catch (error) {
      logger.warn({ service, reason: (error as Error).message }, 'a webhook was not worked on; tried again later');
    }
  }

  /** Whether to go on with the next one. */
  private async tellNext(service: string, leaseId: string): Promise<boolean> {
    const { memberships, ended, deliveries, calls, logger } = this.parts;
    // Read before each delivery: after the webhook or the feed is switched off nothing more goes out.
    const known = await memberships.known(service);
    if (!known?.feed || !known.webhook) return false;
    const { position, failures } = await deliveries.read(service);
    const page = await ended.page(service, position, toldSince(known.feed, known.webhook), 1);
    if (page.nextCursor === position) return false;
    const [entry] = page.entries;
    const idempotencyKey = idFromScope(`membership-feed ${service} ${page.nextCursor}`);
    const call = { method: 'POST', baseUrl: known.webhook.url, path: '', body: entry, idempotencyKey } as const;
    const fault = entry && faultOf(await calls.call(call));
    if (fault === undefined) return deliveries.delivered(service, leaseId, page.nextCursor);
    await deliveries.failed(service, leaseId, fault, failures + 1);
    if (failures + 1 === failuresMax) logger.error({ service, fault }, 'a webhook is stalled: staff must set it again');
    return false;
  }
}

/** Undefined where the receiver took it: any 2xx, whatever its body says. */
function faultOf(answer: ProviderAnswer): string | undefined {
  if (!answer.answered) return answer.why === 'unreadable' ? undefined : answer.why;
  return answer.status >= 200 && answer.status < 300 ? undefined : `status_${answer.status}`;
}
