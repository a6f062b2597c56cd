import { type ServiceName, serviceNames } from '@tsunagu/contracts';
import type { Profile } from './clock.js';
import { ConfigError, choiceSetting, type Environment, numberSetting, textSetting, urlSetting } from './config.js';

/** What a service's own process is started with; the service's own settings come on top. */
export interface BootSettings {
  readonly profile: Profile;
  /** The service's role in its own database. */
  readonly databaseUrl: string;
  /** The role that owns the schema and migrates. */
  readonly ownerDatabaseUrl: string;
  /** Where profile and clock of the whole platform lie. */
  readonly settingsDatabaseUrl: string;
  /** Set where no other program prepares the settings database. */
  readonly settingsOwnerDatabaseUrl: string | undefined;
  /** TSUNAGU_CLOCK; used only together with the owner of the settings. */
  readonly requestedClock: string | undefined;
  /** Set where the events lie in KurrentDB instead of the service's database. */
  readonly kurrentDbUrl: string | undefined;
  readonly kafkaBrokers: readonly string[];
  readonly keyDirectory: string;
  readonly jwksUrl: string;
  /** Internal base URLs, from IDENTITY_URL, SERVICE_LINK_URL and so on. */
  readonly services: Readonly<Record<ServiceName, string>>;
  readonly host: string;
  readonly port: number;
  readonly connectionsMax: number;
  /** The ledger's logs 1, 2, … in databases of their own; log 0 is `databaseUrl`. */
  readonly furtherLogs: readonly string[];
  /** The same by the role that migrates. */
  readonly ownerFurtherLogs: readonly string[];
}

const POSTGRES = ['postgres:', 'postgresql:'] as const;
const HTTP = ['http:', 'https:'] as const;

/** Connection strings, apart by spaces or commas; a comma inside one is written %2C. */
export function logSettings(env: Environment, name: string): readonly string[] {
  const urls = (env[name] ?? '').split(/[\s,]+/).filter((url) => url !== '');
  return urls.map((url) => urlSetting({ [name]: url }, name, POSTGRES));
}

/** Reads and checks them; throws ConfigError with one sentence about the first that is wrong. */
export function readBootSettings(env: Environment): BootSettings {
  const databaseUrl = urlSetting(env, 'DATABASE_URL', POSTGRES);
  const furtherLogs = logSettings(env, 'LEDGER_LOGS');
  const ownerFurtherLogs = logSettings(env, 'OWNER_LEDGER_LOGS');
  if (furtherLogs.length !== ownerFurtherLogs.length) {
    throw new ConfigError('LEDGER_LOGS and OWNER_LEDGER_LOGS must name the same databases in the same order.');
  }
  const services = Object.fromEntries(
    serviceNames.map((name) => [name, urlSetting(env, `${name.toUpperCase().replaceAll('-', '_')}_URL`, HTTP)]),
  ) as Record<ServiceName, string>;
  return {
    profile: choiceSetting(env, 'TSUNAGU_PROFILE', ['test', 'production'] as const),
    databaseUrl,
    ownerDatabaseUrl: urlSetting(env, 'OWNER_DATABASE_URL', POSTGRES),
    settingsDatabaseUrl: urlSetting(env, 'SETTINGS_DATABASE_URL', POSTGRES),
    settingsOwnerDatabaseUrl: env.SETTINGS_OWNER_DATABASE_URL
      ? urlSetting(env, 'SETTINGS_OWNER_DATABASE_URL', POSTGRES)
      : undefined,
    requestedClock: env.TSUNAGU_CLOCK?.trim() || undefined,
    kurrentDbUrl: kurrentDbUrl(env),
    kafkaBrokers: textSetting(env, 'KAFKA_BROKERS')
      .split(',')
      .map((broker) => broker.trim())
      .filter((broker) => broker !== ''),
    keyDirectory: textSetting(env, 'TSUNAGU_KEY_DIRECTORY'),
    jwksUrl: urlSetting(env, 'JWKS_URL', HTTP, `${services.identity}/.well-known/jwks.json`),
    services,
    host: textSetting(env, 'HOST', '127.0.0.1'),
    port: numberSetting(env, 'PORT', { fallback: 8080, min: 0, max: 65_535 }),
    furtherLogs,
    ownerFurtherLogs,
    connectionsMax: numberSetting(env, 'DATABASE_CONNECTIONS_MAX', { fallback: 16, min: 4, max: 200 }),
  };
}

/** Its connection strings may name several hosts, which no URL can. */
function kurrentDbUrl(env: Environment): string | undefined {
  const text = env.KURRENTDB_URL?.trim();
  if (!text) return undefined;
  if (/^(kurrentdb|kurrent|kdb|esdb)(\+discover)?:\/\/[^\s/]+/.test(text)) return text;
  throw new ConfigError('KURRENTDB_URL must be a connection string such as kurrentdb://host:2113.');
}

/** Settings as they may be printed: no password of a URL, and no member whose name says it is secret. */
export function withoutSecrets(value: unknown, name = ''): unknown {
  if (/secret|password|token|credential|privateKey/i.test(name)) return '(hidden)';
  if (typeof value === 'string') {
    const url = URL.parse(value);
    // A connection string of several hosts is no URL and may hold a password all the same.
    if (!url) return value.replace(/(\/\/[^/\s:@]*):[^/\s@]*@/g, '$1:***@');
    if (!url.password) return value;
    url.password = '***';
    return url.href;
  }
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item));
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof URL) return withoutSecrets(value.href);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutSecrets(member, key)]));
}
