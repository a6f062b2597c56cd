import { ok, type Result, refuse } from '@tsunagu/kernel';

/** What a person may be who logs in: never a citizen, a service or a machine. */
export const staffRoles = ['support', 'operator', 'finance', 'auditor'] as const;
export type StaffRole = (typeof staffRoles)[number];

/** How an organisation's claims become roles and owners: a setting. */
export interface StaffMapping {
  /** The claim that holds one value or a list of them: groups, mostly. */
  readonly roleClaim: string;
  /** Role by value of that claim. */
  readonly roles: Readonly<Record<string, StaffRole>>;
  /** One owner for all, or a claim and the owner by its value. */
  readonly owner:
    | { readonly id: string }
    | { readonly claim: string; readonly owners: Readonly<Record<string, string>> };
}

export interface StaffMember {
  readonly role: StaffRole;
  readonly ownerId: string;
}

/**
 * Whether the claims of an ID token let somebody in with the role asked for. A session has one role: whoever has several chooses, and
 * is the same actor in each. Claims that name two owners name none.
 */
export function decideAdmission(
  mapping: StaffMapping,
  claims: Readonly<Record<string, unknown>>,
  role: StaffRole,
): Result<StaffMember, 'identity.staff_not_admitted'> {
  const given = new Set(mapped(mapping.roles, claims[mapping.roleClaim]));
  if (!given.has(role)) {
    const others = staffRoles.filter((each) => given.has(each));
    const detail =
      others.length > 0
        ? `The login gives the role ${others.join(' or ')}, not ${role}.`
        : 'The login gives no role that this platform knows.';
    return refuse('identity.staff_not_admitted', { detail });
  }
  const owner = ownerOf(mapping.owner, claims);
  if (owner === undefined) {
    return refuse('identity.staff_not_admitted', {
      detail: 'The login does not give one owner that this platform knows.',
    });
  }
  return ok({ role, ownerId: owner });
}

function ownerOf(owner: StaffMapping['owner'], claims: Readonly<Record<string, unknown>>): string | undefined {
  if ('id' in owner) return owner.id;
  const [one, ...more] = new Set(mapped(owner.owners, claims[owner.claim]));
  return more.length === 0 ? one : undefined;
}

/** Names of Object's own prototype give nothing. */
function mapped<T>(meanings: Readonly<Record<string, T>>, claim: unknown): T[] {
  const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return values.flatMap((value) =>
    typeof value === 'string' && Object.hasOwn(meanings, value) ? [meanings[value] as T] : [],
  );
}
