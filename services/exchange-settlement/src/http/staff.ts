import { type Caller, Problem } from '@tsunagu/service-host';

/** The owner a staff member works for. Every staff token has one. */
export function ownerOf({ ownerId }: Caller): string {
  if (ownerId === null) throw new Problem({ code: 'auth.role_required' });
  return ownerId;
}
