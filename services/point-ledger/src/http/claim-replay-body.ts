import { publishedVersions, schemaErrors } from '@tsunagu/contracts';
import { Problem } from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsUUID,
  Min,
  ValidateNested,
} from 'class-validator';
import type { GrantOrder } from '../domain/grant.js';
import type { ClaimReplayQuestion } from '../workflows/claim-replay.js';

/** A claim is reopened only once its cause is gone: far less often than this. As many as a body holds. */
const ORDERS_MAX = 64;

class OrderBody {
  @IsUUID('all')
  id: string;

  @IsIn(['ClaimAccepted', 'ClaimReopened'])
  type: string;

  @IsInt()
  @Min(1)
  schemaVersion: number;

  @IsObject()
  data: Record<string, unknown>;
}

/** The question which of an account's events touched a claim, with the events that asked for its grant. */
export class ClaimReplayBody {
  @IsUUID('all')
  claimId: string;

  @IsUUID('all')
  personId: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(ORDERS_MAX)
  @ValidateNested({ each: true })
  @Type(() => OrderBody)
  orders: OrderBody[];
}

/** The orders in the version that this service knows, and what is no order refused. */
export function claimReplayQuestion({ claimId, personId, orders }: ClaimReplayBody): ClaimReplayQuestion {
  return { claimId, personId, orders: orders.map((order) => ({ id: order.id, data: grantOrder(order) })) };
}

function grantOrder(order: OrderBody): GrantOrder {
  const [message] = schemaErrors(order.type, order.schemaVersion, order.data);
  if (message !== undefined)
    throw new Problem({ code: 'request.invalid', errors: [{ field: 'orders', code: 'schema', message }] });
  return publishedVersions.upcast(order).data as unknown as GrantOrder;
}
