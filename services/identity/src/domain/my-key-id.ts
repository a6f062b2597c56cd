import { ok, type Result, refuse } from '@tsunagu/kernel';

/** Stream `myKeyId-<ref>`: one MyKey ID, by keyed hash, belongs to one person. */
export interface MyKeyIdReserved {
  readonly type: 'MyKeyIdReserved';
  readonly data: { readonly personId: string; readonly myKeyIdRef: string };
}

/** The same stream: kept for a person until they confirm it with the card at a counter; free again when `until` has passed. */
export interface MyKeyIdProvisionallyReserved {
  readonly type: 'MyKeyIdProvisionallyReserved';
  readonly data: { readonly personId: string; readonly myKeyIdRef: string; readonly until: string };
}

export type MyKeyIdEvent = MyKeyIdReserved | MyKeyIdProvisionallyReserved;

interface OfProgramme {
  readonly personId: string;
  readonly programmeId: string;
  readonly myKeyIdRef: string;
}

/** Stream `person-<personId>`: what the person has in each programme. */
export type PersonMyKeyIdEvent =
  | { readonly type: 'MyKeyIdRegistered'; readonly data: OfProgramme }
  | { readonly type: 'MyKeyIdChanged'; readonly data: OfProgramme & { readonly previousRef: string } }
  | { readonly type: 'MyKeyIdProvisionallyRegistered'; readonly data: OfProgramme & { readonly until: string } };

/** The programme whose MyKey ID is the card's own string, registered at the first session. */
export const defaultProgramme = 'default';
const provisionalDays = 30;
const dayMs = 86_400_000;
const length = 14;

export function myKeyIdStream(myKeyIdRef: string): string {
  return `myKeyId-${myKeyIdRef}`;
}

/** Who has the string or had it provisionally, whether that lapsed or not: signing in takes no string that was ever another's. */
export function holderOf(events: readonly MyKeyIdEvent[]): string | undefined {
  return events.at(-1)?.data.personId;
}

/**
 * The string that a card brings along: the first 14 characters of the certificate's CN (DOMAIN §1). Undefined for a CN that
 * is not of that form; the person is registered without one.
 */
export function stringOfCard(commonName: string): string | undefined {
  const own = commonName.slice(0, length);
  return /^[A-Z0-9]{14}$/.test(own) ? own : undefined;
}

/** What a MyKey ID looks like in a programme. */
export interface MyKeyIdRule {
  /** Every character that may stand in it. */
  readonly alphabet: string;
  readonly lengthMin: number;
  readonly lengthMax: number;
}

export const defaultRule: MyKeyIdRule = {
  alphabet: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
  lengthMin: length,
  lengthMax: length,
};

export function fitsRule(text: string, { alphabet, lengthMin, lengthMax }: MyKeyIdRule): boolean {
  const characters = [...text];
  return (
    characters.length >= lengthMin &&
    characters.length <= lengthMax &&
    characters.every((character) => alphabet.includes(character))
  );
}

/** What one person has in one programme. */
export interface Held {
  readonly registeredRef: string | null;
  readonly provisional: { readonly myKeyIdRef: string; readonly until: string } | null;
}

const nothingHeld: Held = { registeredRef: null, provisional: null };

/** By programme; the other events of a person's stream do not matter here. */
export function heldBy(events: readonly { readonly type: string }[]): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>();
  for (const event of events as readonly PersonMyKeyIdEvent[]) {
    switch (event.type) {
      case 'MyKeyIdRegistered':
      case 'MyKeyIdChanged':
        held.set(event.data.programmeId, { registeredRef: event.data.myKeyIdRef, provisional: null });
        break;
      case 'MyKeyIdProvisionallyRegistered': {
        const { programmeId, myKeyIdRef, until } = event.data;
        held.set(programmeId, { ...heldIn(held, programmeId), provisional: { myKeyIdRef, until } });
        break;
      }
    }
  }
  return held;
}

export function heldIn(held: ReadonlyMap<string, Held>, programmeId: string): Held {
  return held.get(programmeId) ?? nothingHeld;
}

/** One person wants one string in one programme; `own` and `holders` are both streams as they are. */
export interface Wish extends OfProgramme {
  readonly own: Held;
  readonly holders: readonly MyKeyIdEvent[];
  readonly nowMs: number;
}

export interface Registration {
  readonly person: readonly PersonMyKeyIdEvent[];
  readonly reservation: readonly MyKeyIdEvent[];
}

const nothing: Registration = { person: [], reservation: [] };

/** Full registration: nobody else has the string, and the person has none yet. The same wish again changes nothing. */
export function decideRegistration(
  wish: Wish,
): Result<Registration, 'identity.my_key_id_taken' | 'identity.my_key_id_registered'> {
  if (wish.own.registeredRef === wish.myKeyIdRef) return ok(nothing);
  if (wish.own.registeredRef !== null) return refuse('identity.my_key_id_registered');
  if (isOfAnother(wish)) return refuse('identity.my_key_id_taken');
  return ok({ person: [{ type: 'MyKeyIdRegistered', data: ofProgramme(wish) }], reservation: reserved(wish) });
}

/** The old string stays the person's: a card or a printed list that still bears it must never lead to a stranger. */
export function decideChange(
  wish: Wish,
): Result<Registration, 'identity.my_key_id_taken' | 'identity.my_key_id_not_registered'> {
  const previousRef = wish.own.registeredRef;
  if (previousRef === null) return refuse('identity.my_key_id_not_registered');
  if (previousRef === wish.myKeyIdRef) return ok(nothing);
  if (isOfAnother(wish)) return refuse('identity.my_key_id_taken');
  const data = { ...ofProgramme(wish), previousRef };
  return ok({ person: [{ type: 'MyKeyIdChanged', data }], reservation: reserved(wish) });
}

/** One string a programme at a time, so that nobody fences strings in. */
export function decideProvisional(
  wish: Wish,
): Result<Registration, 'identity.my_key_id_taken' | 'identity.my_key_id_registered' | 'identity.my_key_id_reserved'> {
  const { own, myKeyIdRef, personId } = wish;
  const pending = pendingAt(own, wish.nowMs);
  if (pending?.myKeyIdRef === myKeyIdRef) return ok(nothing);
  if (pending) return refuse('identity.my_key_id_reserved', { extensions: { until: pending.until } });
  if (own.registeredRef === myKeyIdRef) return refuse('identity.my_key_id_registered');
  if (isOfAnother(wish)) return refuse('identity.my_key_id_taken');
  const until = new Date(wish.nowMs + provisionalDays * dayMs).toISOString();
  return ok({
    person: [{ type: 'MyKeyIdProvisionallyRegistered', data: { ...ofProgramme(wish), until } }],
    reservation: isOwnFor(wish)
      ? []
      : [{ type: 'MyKeyIdProvisionallyReserved', data: { personId, myKeyIdRef, until } }],
  });
}

/** At the counter: `myKeyIdRef` is the pending one. A person who has an ID already changes it so. */
export function decideConfirmation(wish: Wish): Result<Registration, 'identity.my_key_id_not_reserved'> {
  const { own } = wish;
  if (own.provisional === null && own.registeredRef === wish.myKeyIdRef) return ok(nothing);
  if (!pendingAt(own, wish.nowMs) || isOfAnother(wish)) return refuse('identity.my_key_id_not_reserved');
  const data = ofProgramme(wish);
  const previousRef = own.registeredRef;
  return ok({
    person: [
      previousRef === null
        ? { type: 'MyKeyIdRegistered', data }
        : { type: 'MyKeyIdChanged', data: { ...data, previousRef } },
    ],
    reservation: reserved(wish),
  });
}

/** What may be confirmed now; by the clock alone, so that nothing has to run for it to lapse. */
export function pendingAt(own: Held, nowMs: number): Held['provisional'] {
  return own.provisional && nowMs < Date.parse(own.provisional.until) ? own.provisional : null;
}

function ofProgramme({ personId, programmeId, myKeyIdRef }: Wish): OfProgramme {
  return { personId, programmeId, myKeyIdRef };
}

/** Somebody else has it for good, or for some days yet. */
function isOfAnother({ holders, personId, nowMs }: Wish): boolean {
  const last = holders.at(-1);
  if (!last || last.data.personId === personId) return false;
  return last.type === 'MyKeyIdReserved' || nowMs < Date.parse(last.data.until);
}

function isOwnFor({ holders, personId }: Wish): boolean {
  const last = holders.at(-1);
  return last?.type === 'MyKeyIdReserved' && last.data.personId === personId;
}

function reserved(wish: Wish): readonly MyKeyIdEvent[] {
  const { personId, myKeyIdRef } = wish;
  return isOwnFor(wish) ? [] : [{ type: 'MyKeyIdReserved', data: { personId, myKeyIdRef } }];
}
