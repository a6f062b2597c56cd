import type { EventLog } from '@tsunagu/event-store';
import { type Clock, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import {
  decideChange,
  decideConfirmation,
  decideProvisional,
  decideRegistration,
  defaultProgramme,
  fitsRule,
  type Held,
  heldBy,
  heldIn,
  type MyKeyIdEvent,
  type MyKeyIdRule,
  myKeyIdStream,
  type PersonMyKeyIdEvent,
  pendingAt,
  type Registration,
  type Wish,
} from '../domain/my-key-id.js';
import { fold, type PersonEvent, personStream } from '../domain/person.js';
import type { KeptCertificates } from '../outbound/kept-certificates.js';
import type { Vault } from '../outbound/vault.js';
import { type Acting, domainEvents, record } from '../recording.js';

export interface MyKeyIdsParts {
  readonly log: EventLog;
  readonly vault: Vault;
  readonly kept: KeptCertificates;
  readonly clock: Clock;
  /** By programme; a programme without one has no MyKey IDs. */
  readonly rules: Readonly<Record<string, MyKeyIdRule>>;
}

export interface MyKeyIdView {
  readonly programmeId: string;
  /** Null when its text was erased. */
  readonly myKeyId: string | null;
  readonly state: 'registered' | 'provisional';
  /** When a provisional one lapses. */
  readonly until?: string;
}

type Decide<C extends string> = (wish: Wish) => Result<Registration, C>;
type Refused = 'request.not_found' | 'request.invalid' | 'identity.erased';

const textKind = 'myKeyIdText:';

/** MyKey IDs of a person by programme. Texts lie in the vault under their hash; streams and events hold hashes only. */
export class MyKeyIds {
  constructor(private readonly parts: MyKeyIdsParts) {}

  /** Full registration; without a text it is the one that the newest card brings along. */
  async register(personId: string, programmeId: string, given: string | undefined, acting: Acting) {
    const text = given ?? (await this.cardString(personId, programmeId));
    if (text === undefined) return refuse('identity.my_key_id_missing');
    return this.decideFor(personId, programmeId, text, acting, decideRegistration);
  }

  change(personId: string, programmeId: string, text: string, acting: Acting) {
    return this.decideFor(personId, programmeId, text, acting, decideChange);
  }

  provisional(personId: string, programmeId: string, text: string, acting: Acting) {
    return this.decideFor(personId, programmeId, text, acting, decideProvisional);
  }

  /** What was provisionally registered becomes the person's, at a counter. */
  async confirm(
    personId: string,
    programmeId: string,
    acting: Acting,
  ): Promise<Result<MyKeyIdView, Refused | 'identity.my_key_id_not_reserved'>> {
    const held = await this.held(personId, programmeId);
    const ref = held.provisional?.myKeyIdRef ?? held.registeredRef;
    if (ref === null) return refuse('identity.my_key_id_not_reserved');
    const decided = await this.append({ personId, programmeId, myKeyIdRef: ref }, acting, decideConfirmation);
    if (!decided.ok) return decided;
    const myKeyId = (await this.text(personId, ref)) ?? null;
    if (myKeyId !== null) await this.showAtSignIn(personId, programmeId, myKeyId);
    return ok({ programmeId, myKeyId, state: 'registered' });
  }

  async list(personId: string): Promise<readonly MyKeyIdView[]> {
    const stream = personStream(personId);
    const streams = await this.parts.log.readStreams([stream]);
    const held = [...heldBy(domainEvents<PersonMyKeyIdEvent>(streams, stream))];
    const nowMs = this.parts.clock.now();
    const views = held.map(async ([programmeId, own]): Promise<readonly MyKeyIdView[]> => {
      const found: MyKeyIdView[] = [];
      if (own.registeredRef !== null) {
        const myKeyId = (await this.text(personId, own.registeredRef)) ?? null;
        // A stop between the log and the vault left the older one to be shown at sign-in.
        if (myKeyId !== null) await this.showAtSignIn(personId, programmeId, myKeyId);
        found.push({ programmeId, myKeyId, state: 'registered' });
      }
      const pending = pendingAt(own, nowMs);
      if (pending) {
        const myKeyId = (await this.text(personId, pending.myKeyIdRef)) ?? null;
        found.push({ programmeId, myKeyId, state: 'provisional', until: pending.until });
      }
      return found;
    });
    return (await Promise.all(views)).flat();
  }

  private async decideFor<C extends string>(
    personId: string,
    programmeId: string,
    myKeyId: string,
    acting: Acting,
    decide: Decide<C>,
  ): Promise<Result<MyKeyIdView, C | Refused>> {
    const rule = this.ruleOf(programmeId);
    if (!rule) return refuse('request.not_found');
    if (!fitsRule(myKeyId, rule)) return refuse('request.invalid', { errors: [formError(rule)] });
    const { clock, vault } = this.parts;
    const myKeyIdRef = vault.myKeyIdRef(scoped(programmeId, myKeyId));
    // First the text: what stands on the log can always be shown. One that came to nothing is the person's own wish, sealed.
    await vault.keepSealed(personId, textKind + myKeyIdRef, myKeyId, isoTime(clock.now()));
    const decided = await this.append({ personId, programmeId, myKeyIdRef }, acting, decide);
    if (!decided.ok) return decided;
    const held = await this.held(personId, programmeId);
    const pending = pendingAt(held, clock.now());
    if (pending?.myKeyIdRef === myKeyIdRef) {
      return ok({ programmeId, myKeyId, state: 'provisional', until: pending.until });
    }
    if (held.registeredRef === myKeyIdRef) await this.showAtSignIn(personId, programmeId, myKeyId);
    return ok({ programmeId, myKeyId, state: 'registered' });
  }

  private async append<C extends string>(
    wish: Pick<Wish, 'personId' | 'programmeId' | 'myKeyIdRef'>,
    acting: Acting,
    decide: Decide<C>,
  ): Promise<Result<unknown, C | 'request.not_found' | 'identity.erased'>> {
    const person = personStream(wish.personId);
    const reservation = myKeyIdStream(wish.myKeyIdRef);
    return record<PersonMyKeyIdEvent | MyKeyIdEvent, C | 'request.not_found' | 'identity.erased'>(
      this.parts.log,
      [person, reservation],
      acting,
      (streams) => {
        const known = domainEvents<PersonMyKeyIdEvent>(streams, person);
        if (known.length === 0) return refuse('request.not_found');
        if (fold(domainEvents<PersonEvent>(streams, person))?.erasureId) return refuse('identity.erased');
        const own = heldIn(heldBy(known), wish.programmeId);
        const holders = domainEvents<MyKeyIdEvent>(streams, reservation);
        const decided = decide({ ...wish, own, holders, nowMs: acting.nowMs });
        if (!decided.ok) return decided;
        return ok(
          new Map<string, readonly (PersonMyKeyIdEvent | MyKeyIdEvent)[]>([
            [person, decided.value.person],
            [reservation, decided.value.reservation],
          ]),
        );
      },
    );
  }

  private ruleOf(programmeId: string): MyKeyIdRule | undefined {
    return Object.hasOwn(this.parts.rules, programmeId) ? this.parts.rules[programmeId] : undefined;
  }

  private async cardString(personId: string, programmeId: string): Promise<string | undefined> {
    const rule = this.ruleOf(programmeId);
    const kept = await this.parts.kept.of(personId);
    return kept.flatMap(({ cardString }) => cardString ?? []).find((text) => rule && fitsRule(text, rule));
  }

  private async held(personId: string, programmeId: string): Promise<Held> {
    const stream = personStream(personId);
    const streams = await this.parts.log.readStreams([stream]);
    return heldIn(heldBy(domainEvents<PersonMyKeyIdEvent>(streams, stream)), programmeId);
  }

  /** The text of a hash; what a sign-in registered lies where sign-in keeps it. */
  private async text(personId: string, myKeyIdRef: string): Promise<string | undefined> {
    const { vault } = this.parts;
    const kept = await vault.openSealed<string>(personId, textKind + myKeyIdRef);
    if (kept !== undefined) return kept;
    const atSignIn = await vault.myKeyId(personId);
    return atSignIn !== undefined && vault.myKeyIdRef(atSignIn) === myKeyIdRef ? atSignIn : undefined;
  }

  /** Sessions answer with the MyKey ID of programme `default`. */
  private async showAtSignIn(personId: string, programmeId: string, myKeyId: string): Promise<void> {
    if (programmeId !== defaultProgramme) return;
    const { clock, vault } = this.parts;
    if ((await vault.myKeyId(personId)) === myKeyId) return;
    await vault.keep([{ personId, myKeyId }], isoTime(clock.now()));
  }
}

/** Each programme has strings of its own; `default` is as sign-in has always hashed it. */
function scoped(programmeId: string, myKeyId: string): string {
  return programmeId === defaultProgramme ? myKeyId : `${programmeId}\0${myKeyId}`;
}

function formError({ alphabet, lengthMin, lengthMax }: MyKeyIdRule) {
  const length = lengthMin === lengthMax ? `${lengthMin}` : `${lengthMin} to ${lengthMax}`;
  return { field: 'myKeyId', code: 'form', message: `a MyKey ID of this programme has ${length} of ${alphabet}` };
}
