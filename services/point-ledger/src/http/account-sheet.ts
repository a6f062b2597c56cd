import type { AccountStatement, Balance, Movement } from '../domain/account-history.js';
import type { Sheet } from './spreadsheet.js';

/** The opening balance, a row a movement, the closing balance. */
export function accountSheet({
  accountId,
  opening,
  movements,
  closing,
}: AccountStatement & { readonly accountId: string }): Sheet {
  const balance = (row: string, { bookedPoints, heldPoints, owedPoints }: Balance) => [
    row,
    accountId,
    ...Array<null>(6).fill(null),
    bookedPoints,
    heldPoints,
    owedPoints,
    ...Array<null>(5).fill(null),
  ];
  return {
    name: 'account-statement',
    columns: [
      'row',
      'accountId',
      'entryId',
      'effectiveAt',
      'recordedAt',
      'lotId',
      'fundId',
      'ownerId',
      'points',
      'heldPoints',
      'owedPoints',
      'dryRunPoints',
      'claimId',
      'exchangeId',
      'reasonPattern',
      'approvedBy',
    ],
    rows: [
      balance('opening', opening),
      ...movements.map((movement) => movementRow(accountId, movement)),
      balance('closing', closing),
    ],
  };
}

function movementRow(accountId: string, movement: Movement) {
  return [
    movement.kind,
    accountId,
    movement.entryId,
    movement.effectiveAt,
    movement.recordedAt,
    movement.lotId,
    movement.fundId,
    movement.ownerId,
    movement.points,
    movement.heldPoints,
    movement.owedPoints,
    movement.dryRunPoints,
    movement.claimId,
    movement.exchangeId,
    movement.reasonPattern,
    movement.approvedBy,
  ];
}
