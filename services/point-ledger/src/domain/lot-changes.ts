/** What an event of an account changes on one of its lots. */
export interface LotChange {
  readonly lotId: string;
  readonly availablePoints: number;
  readonly heldPoints: number;
  /** A new expiry, where the event gives one; null is none. */
  readonly expiresAt?: string | null;
}

interface Part {
  readonly lotId: string;
  readonly points: number;
}

/** Types of the events that `lotChangesOf` knows. */
export const lotChangeTypes: readonly string[] = [
  'PointsHeld',
  'HoldCaptured',
  'HoldReleased',
  'PointsExpired',
  'GrantReversed',
  'ReceivableRepaid',
  'LotExtended',
];

/** The changes of an event on lots that exist, in the event's order; none for a grant, which makes one. */
export function lotChangesOf({ type, data }: { readonly type: string; readonly data: unknown }): readonly LotChange[] {
  switch (type) {
    case 'PointsHeld':
      return partsOf(data).map(({ lotId, points }) => change(lotId, -points, points));
    case 'HoldReleased':
      return partsOf(data).map(({ lotId, points }) => change(lotId, points, -points));
    case 'HoldCaptured':
      return partsOf(data).map(({ lotId, points }) => change(lotId, 0, -points));
    case 'PointsExpired':
    case 'GrantReversed': {
      const { lotId, points } = data as Part;
      return [change(lotId, -points, 0)];
    }
    case 'ReceivableRepaid': {
      const { payingLotId, points } = data as { readonly payingLotId: string; readonly points: number };
      return [change(payingLotId, -points, 0)];
    }
    case 'LotExtended': {
      const { lotId, expiresAt } = data as { readonly lotId: string; readonly expiresAt: string | null };
      return [{ ...change(lotId, 0, 0), expiresAt }];
    }
    default:
      return [];
  }
}

function partsOf(data: unknown): readonly Part[] {
  return (data as { readonly lots: readonly Part[] }).lots;
}

/** Never −0: it is another value than 0 to a strict comparison. */
function change(lotId: string, availablePoints: number, heldPoints: number): LotChange {
  return { lotId, availablePoints: availablePoints || 0, heldPoints: heldPoints || 0 };
}
