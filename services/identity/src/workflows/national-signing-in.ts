import { appendOne, type EventLog, type StreamWrite } from '@tsunagu/event-store';
import { type Clock, isoTime, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import { hasWithdrawn } from '../domain/consent.js';
import { fold, type Person, type PersonEvent, personStream } from '../domain/person.js';
import { decideLogin, personOfSubject, type SubjectBound, subjectStream } from '../domain/subject.js';
import type { BegunLogins, TakingRefusal } from '../outbound/begun-logins.js';
import { attributesOfLogin } from '../outbound/login-attributes.js';
import type { NationalLogin } from '../outbound/national-login.js';
import type { LoginRefusal, LoginReturn } from '../outbound/openid-login.js';
import type { Vault } from '../outbound/vault.js';
import { actOf, domainEvents, revisionOf } from '../recording.js';
import { type Attributes, namesRead } from '../verification/attributes.js';
import type { Contradictions } from './contradictions.js';
import type { RecordingAttributes } from './recording-attributes.js';
import type { Survivors } from './survivors.js';

/** A lost race finds the subject's person at the next look; other acts of a session's person may come between. */
const attemptsMax = 20;

/** The citizen's session that a login is to be joined in: begun and completed with its token. */
export interface OwnSession {
  readonly personId: string;
  readonly tokenId: string;
}

export interface NationalSigningInParts {
  readonly login: Pick<NationalLogin, 'settings' | 'begin' | 'complete'>;
  readonly begun: Pick<BegunLogins, 'keep' | 'take' | 'giveBack'>;
  readonly vault: Pick<Vault, 'attributes' | 'myKeyId' | 'subjectRef'>;
  readonly recording: RecordingAttributes;
  readonly survivors: Survivors;
  readonly contradictions: Contradictions;
  readonly log: EventLog;
  readonly clock: Clock;
}

/** From the national login's answer to a person. */
export class NationalSigningIn {
  constructor(private readonly parts: NationalSigningInParts) {}

  get name(): string {
    return this.parts.login.settings.name;
  }

  async begin(
    session: OwnSession | null,
  ): Promise<Result<{ loginId: string; authorizationUrl: string; expiresAtMs: number }, LoginRefusal>> {
    const begun = await this.parts.login.begin();
    if (!begun.ok) return begun;
    const { authorizationUrl, secrets } = begun.value;
    return ok({ authorizationUrl, ...(await this.parts.begun.keep(secrets, session?.tokenId ?? null)) });
  }

  async complete(
    loginId: string,
    returned: LoginReturn & { readonly state: string; readonly consent?: boolean },
    session: OwnSession | null,
    correlationId: string,
  ): Promise<
    Result<
      { personId: string; myKeyId: string | null },
      TakingRefusal | LoginRefusal | 'identity.under_review' | 'identity.erased'
    >
  > {
    const { begun, login, vault, clock } = this.parts;
    const taken = await begun.take(loginId, returned.state, session?.tokenId ?? null);
    if (!taken.ok) return taken;
    const proven = await login.complete(returned, taken.value);
    if (!proven.ok) {
      if (proven.refusal.code === 'identity.login_unavailable') await begun.giveBack(loginId);
      return proven;
    }
    const read = attributesOfLogin(proven.value.claims, isoTime(clock.now()));
    const found = await this.find(proven.value.subject, read, session, correlationId);
    if (!found.ok) return found;
    const personId = found.value;
    await this.record(personId, read, returned.consent === true, correlationId);
    return ok({ personId, myKeyId: (await vault.myKeyId(personId)) ?? null });
  }

  /** The subject's one person, however many logins complete at the same moment. */
  private async find(
    subject: string,
    { birthDate }: Attributes,
    session: OwnSession | null,
    correlationId: string,
  ): Promise<Result<string, 'identity.under_review' | 'identity.erased'>> {
    const { log, vault, login, clock, survivors, contradictions } = this.parts;
    const { issuer } = login.settings;
    const subjectRef = vault.subjectRef(issuer, subject);
    const own = subjectStream(subjectRef);
    const held = session ? await vault.attributes(session.personId) : undefined;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const streams = await log.readStreams(session ? [own, personStream(session.personId)] : [own]);
      const boundTo = personOfSubject(domainEvents<SubjectBound>(streams, own));
      // Of merged persons the one that was kept; a session never names another.
      const holder = boundTo === undefined ? undefined : await survivors.one(boundTo);
      const joined = session && personIn(streams, session.personId);
      if (holder?.erasureId || joined?.erasureId) return refuse('identity.erased');
      const decided = decideLogin({
        subjectRef,
        issuer,
        holder: holder?.personId,
        birthDate,
        session: joined && {
          personId: joined.personId,
          subjects: joined.subjects,
          birthDate: held?.birthDate ?? null,
        },
        newPersonId: newId(clock.now()),
      });
      if (decided.outcome === 'contradiction') {
        await contradictions.openPairs(decided.personIds, correlationId);
        return refuse('identity.under_review', { detail: decided.detail });
      }
      const { personId, person, subject: bound } = decided;
      if (!bound) return ok(personId);
      const stream = personStream(personId);
      const writes: StreamWrite[] = [
        { stream, expectedRevision: revisionOf(streams, stream), events: this.acts(person, correlationId) },
        { stream: own, expectedRevision: 'noStream', events: this.acts([bound], correlationId) },
      ];
      if (await appendOne(log, { writes })) return ok(personId);
    }
    throw new Error('the person of a subject changed at every look');
  }

  /**
   * By the way that cards go. A reading that lacks something known makes nothing unknown: it is left out. The login tells at every
   * sign-in, so once the person has withdrawn it takes their word to use that again.
   */
  private async record(
    personId: string,
    read: Attributes,
    consentsAnew: boolean,
    correlationId: string,
  ): Promise<void> {
    const told = namesRead(read);
    if (told.length === 0) return;
    if (!consentsAnew && hasWithdrawn(await this.parts.survivors.all(personId))) return;
    const held = await this.parts.vault.attributes(personId);
    if (held && namesRead(held).some((name) => !told.includes(name))) return;
    await this.parts.recording.record(personId, read, correlationId);
  }

  private acts(events: readonly (PersonEvent | SubjectBound)[], correlationId: string) {
    return events.map((event) => actOf(event, this.parts.clock.now(), correlationId));
  }
}

function personIn(streams: Parameters<typeof revisionOf>[0], personId: string): Person {
  const person = fold(domainEvents<PersonEvent>(streams, personStream(personId)));
  if (!person) throw new Error('a session of a person who is not registered');
  return person;
}
