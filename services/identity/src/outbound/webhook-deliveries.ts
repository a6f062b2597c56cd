import { type Clock, isoTime } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import { failuresMax, waitMs } from '../domain/webhook-delivery.js';

/** Longer than one attempt may take, so that a holder at work never loses it. */
const leaseMs = 60_000;

/** What became of the attempts to tell a service. */
export interface Delivery {
  readonly position: number;
  readonly failures: number;
  readonly failingSince: string | null;
  /** What the last attempt met with. */
  readonly fault: string | null;
}

/** How far each service has been told by webhook. Times are the service's clock. */
export class WebhookDeliveries {
  constructor(
    private readonly database: Pool,
    private readonly clock: Clock,
  ) {}

  /** Services for whom there is something to tell now, those who have waited longest first. */
  async due(servicesMax: number): Promise<readonly string[]> {
    const { rows } = await this.database.query<{ service: string }>(
      `select s.service from webhook_services s left join webhook_deliveries d using (service)
       where s.feed_since is not null and s.webhook_since is not null
         and coalesce(d.failures, 0) < $2
         and (d.next_attempt_at is null or d.next_attempt_at <= $3)
         and (d.leased_until is null or d.leased_until <= $3)
         and exists (select 1 from memberships m
                     where m.service = s.service and m.ended_position > coalesce(d.delivered_position, 0)
                       and m.ended_at >= greatest(s.feed_since, s.webhook_since))
       order by d.next_attempt_at nulls first limit $1`,
      [servicesMax, failuresMax, this.now()],
    );
    return rows.map(({ service }) => service);
  }

  /** Whether this process is the one that tells the service now. */
  async lease(service: string, leaseId: string): Promise<boolean> {
    const { rowCount } = await this.database.query(
      `insert into webhook_deliveries as d (service, lease_id, leased_until) values ($1, $2, $4)
       on conflict (service) do update set lease_id = excluded.lease_id, leased_until = excluded.leased_until
       where d.leased_until is null or d.leased_until <= $3`,
      [service, leaseId, this.now(), this.now(leaseMs)],
    );
    return rowCount === 1;
  }

  async release(service: string, leaseId: string): Promise<void> {
    await this.database.query(
      'update webhook_deliveries set lease_id = null, leased_until = null where service = $1 and lease_id = $2',
      [service, leaseId],
    );
  }

  async read(service: string): Promise<Delivery> {
    const { rows } = await this.database.query<Delivery & { readonly failing_since: Date | null }>(
      `select delivered_position::float8 as position, failures, failing_since, fault
       from webhook_deliveries where service = $1`,
      [service],
    );
    const { position = 0, failures = 0, failing_since: since = null, fault = null } = rows[0] ?? {};
    return { position, failures, failingSince: since?.toISOString() ?? null, fault };
  }

  /** Gives false where another process has taken over. */
  async delivered(service: string, leaseId: string, position: number): Promise<boolean> {
    const { rowCount } = await this.database.query(
      `update webhook_deliveries
       set delivered_position = $3, failures = 0, failing_since = null, fault = null, next_attempt_at = $4,
           leased_until = $5
       where service = $1 and lease_id = $2`,
      [service, leaseId, position, this.now(), this.now(leaseMs)],
    );
    return rowCount === 1;
  }

  /** `failures`: how many it makes in a row. */
  async failed(service: string, leaseId: string, fault: string, failures: number): Promise<void> {
    await this.database.query(
      `update webhook_deliveries
       set failures = $3, failing_since = coalesce(failing_since, $4), fault = $5, next_attempt_at = $6
       where service = $1 and lease_id = $2`,
      [service, leaseId, failures, this.now(), fault, this.now(waitMs(failures))],
    );
  }

  /** The next attempt is made at once, however many failed; one that is under way, to an address of before, is not counted. Where it goes on stays. */
  async startAnew(service: string): Promise<void> {
    await this.database.query(
      `update webhook_deliveries
       set failures = 0, failing_since = null, fault = null, next_attempt_at = null, lease_id = null, leased_until = null
       where service = $1`,
      [service],
    );
  }

  private now(plusMs = 0): string {
    return isoTime(this.clock.now() + plusMs);
  }
}
