import { randomInt } from 'node:crypto';
import { type Card, certificateHash, IssuerStore, simulatedMaskedName, simulatedReference } from '@tsunagu/testing';
import { pairwiseSubject, SimulatedLogin } from '@tsunagu/testing/login';
import { type Launched, launchCampaign } from './launch.js';
import { LocalProvider } from './local-provider.js';
import { People, simPayAccount } from './people.js';
import { cardSecrets, dateSecret, type Secret, secret, textsOf } from './personal-data-scan.js';
import { PlatformProcess } from './platform-process.js';

/** Where the provider's page sends people back to; nobody goes there. */
const linkReturnUrl = 'https://app.example/links/return';
const nationalReturnUrl = 'https://app.example/login';
const staffReturnUrl = 'https://staff.example/login';
/** MyKey IDs that a person chooses. */
export const chosenProgramme = 'library';

/** A running platform with every way in set up, and all that was given to it and must not be found. */
export class PrivateRun {
  readonly secrets: Secret[] = [];

  private constructor(
    readonly platform: PlatformProcess,
    readonly people: People,
    readonly launched: Launched,
    readonly nationalLogin: SimulatedLogin,
    readonly staffLogin: SimulatedLogin,
    /** A member service's own side. */
    readonly receiver: LocalProvider,
  ) {}

  static async start(receiver: LocalProvider): Promise<PrivateRun> {
    const [nationalLogin, staffLogin] = [await SimulatedLogin.listen(), await SimulatedLogin.listen()];
    const platform = await PlatformProcess.create({
      environment: {
        LOG_LEVEL: 'trace',
        TSUNAGU_LOGIN_ISSUER: nationalLogin.issuer,
        TSUNAGU_LOGIN_CLIENT_ID: clientId,
        TSUNAGU_LOGIN_REDIRECT_URI: nationalReturnUrl,
        TSUNAGU_LOGIN_SIGN_URL: nationalLogin.signUrl,
        TSUNAGU_STAFF_LOGIN_ISSUER: staffLogin.issuer,
        TSUNAGU_STAFF_LOGIN_CLIENT_ID: clientId,
        TSUNAGU_STAFF_LOGIN_REDIRECT_URI: staffReturnUrl,
        TSUNAGU_STAFF_LOGIN_SCOPES: 'openid name staff',
        TSUNAGU_STAFF_LOGIN_MAPPING: JSON.stringify({
          roleClaim: 'groups',
          roles: { 'points-operators': 'operator', 'points-desk': 'support' },
          owner: { id: 'demo' },
        }),
        TSUNAGU_LINK_RETURN_URLS: linkReturnUrl,
        TSUNAGU_WEBHOOK_EVERY_MS: '50',
        TSUNAGU_MY_KEY_ID_RULES: JSON.stringify({
          [chosenProgramme]: { alphabet: '0123456789', lengthMin: 8, lengthMax: 10 },
        }),
      },
    });
    await platform.start();
    const people = People.of(platform);
    for (const [login, path, redirectUri, claimsFrom] of [
      [nationalLogin, 'national-login', nationalReturnUrl, 'userInformation'],
      [staffLogin, 'staff-logins', staffReturnUrl, 'idToken'],
    ] as const) {
      const jwks = await platform.api.expect<{ keys: [] }>(200, 'GET', `/identity/v1/${path}/jwks.json`);
      login.serve([{ clientId, redirectUri, jwks }], claimsFrom);
    }
    const launched = await launchCampaign(platform.api, await people.staff('operator'), {
      fundPoints: 100_000,
      amountPoints: 3_000,
    });
    return new PrivateRun(platform, people, launched, nationalLogin, staffLogin, receiver);
  }

  async close(): Promise<void> {
    await this.platform.remove();
    await Promise.all([this.nationalLogin.close(), this.staffLogin.close(), this.receiver.close()]);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.platform.api.baseUrl}/metrics`)).text();
  }

  /** From now on the value must not be found. Gives it back. */
  keep(what: string, value: string): string {
    this.secrets.push(secret(what, value));
    return value;
  }

  /** Of a token its end alone, which is its signature. */
  keepToken(who: string, token: string): string {
    this.secrets.push({ what: `token of ${who}`, forms: [new RegExp(token.slice(-60))] });
    return token;
  }

  /** An account at the simulated provider, and what the provider calls it and its holder. */
  newPayAccount(who: string): ReturnType<typeof simPayAccount> {
    const account = simPayAccount();
    this.keep(`account of ${who}`, account.providerAccountId);
    this.keep(`reference of ${who}`, simulatedReference(account.providerAccountId));
    this.keep('masked name', simulatedMaskedName);
    return account;
  }

  /** A name, an address and a birth date that nobody else has. */
  newHolder(who: string): { name: string; address: string; birthdate: string } {
    const birthdate = `${randomInt(1940, 2000)}-0${randomInt(1, 10)}-${randomInt(10, 29)}`;
    this.secrets.push(dateSecret(`birth date of ${who}`, birthdate));
    return {
      name: this.keep(`name of ${who}`, `試験${fresh(6)}郎`),
      address: this.keep(`address of ${who}`, `東京都中央区架空町${fresh(5)}`),
      birthdate,
    };
  }

  /** An account at one of the logins, and what it is called there. With `card` it can sign. */
  account(who: string, login: SimulatedLogin, claims: object, card?: Card): string {
    const signing = card && {
      certificate: card.signatureCertificate ?? '',
      privateKey: card.signaturePrivateKey ?? '',
    };
    const accountId = login.account(claims, signing);
    this.keep(`account of ${who} at the login`, accountId);
    this.keep(`subject of ${who}`, pairwiseSubject(clientId, accountId));
    return accountId;
  }

  /** A card, and everything that is known of its holder before the first call. */
  async newCard(who: string, attributes: { birthDate?: string; residence?: string } = {}): Promise<Card> {
    const card = await this.people.card(attributes);
    await this.keepCard(who, card);
    return card;
  }

  async keepCard(who: string, card: Card): Promise<void> {
    const store = await IssuerStore.open(this.people.directory.issuer);
    const holder = store.card(certificateHash(card.certificate))?.holder;
    if (!holder) throw new Error('not a card of the test issuer');
    this.secrets.push(
      ...cardSecrets(who, card),
      secret(`name of ${who}`, holder.name),
      dateSecret(`birth date of ${who}`, holder.birthDate),
      { what: `residence of ${who}`, forms: [new RegExp(`"${holder.residence}"`)] },
    );
    if (card.signatureCertificate === undefined) return;
    const texts = textsOf(card.signatureCertificate).filter((text) => /[^ -~]/.test(text));
    // Name and address are there to be read, so the parts below are the right ones.
    if (!texts.includes(holder.name) || texts.length < 2) throw new Error('no name and address in the certificate');
    this.secrets.push(...texts.map((text) => secret(`attribute of ${who}`, text)));
  }
}

const clientId = 'tsunagu';

/** So many digits, the first no zero. */
export function fresh(digits: number): string {
  return String(randomInt(10 ** (digits - 1), 10 ** digits));
}
