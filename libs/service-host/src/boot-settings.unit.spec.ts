import { readBootSettings, withoutSecrets } from './boot-settings.js';
import { ConfigError } from './config.js';

const env = {
  TSUNAGU_PROFILE: 'test',
  DATABASE_URL: 'postgres://campaign:geheim@db:5432/campaign',
  OWNER_DATABASE_URL: 'postgres://owner:geheim@db:5432/campaign',
  SETTINGS_DATABASE_URL: 'postgres://settings:geheim@db:5432/settings',
  KAFKA_BROKERS: 'a:9092, b:9092',
  TSUNAGU_KEY_DIRECTORY: '/keys',
  IDENTITY_URL: 'http://identity:8080',
  SERVICE_LINK_URL: 'http://service-link:8080',
  CAMPAIGN_URL: 'http://campaign:8080',
  POINT_LEDGER_URL: 'http://point-ledger:8080',
  EXCHANGE_SETTLEMENT_URL: 'http://exchange-settlement:8080',
};

describe('what a service process is started with', () => {
  it('reads settings and fills in the rest', () => {
    expect(readBootSettings(env)).toMatchObject({
      profile: 'test',
      kafkaBrokers: ['a:9092', 'b:9092'],
      jwksUrl: 'http://identity:8080/.well-known/jwks.json',
      services: { 'service-link': 'http://service-link:8080' },
      host: '127.0.0.1',
      port: 8080,
    });
  });

  it.each([
    ['TSUNAGU_PROFILE', 'staging', 'TSUNAGU_PROFILE must be test or production, not "staging".'],
    ['DATABASE_URL', undefined, 'DATABASE_URL is not set.'],
    ['DATABASE_URL', 'mysql://x', 'DATABASE_URL must be a URL that starts with postgres:// or postgresql://.'],
    ['POINT_LEDGER_URL', 'ledger', 'POINT_LEDGER_URL must be a URL that starts with http:// or https://.'],
    ['PORT', '80a', 'PORT must be a whole number from 0 to 65535, not "80a".'],
    ['KAFKA_BROKERS', ' ', 'KAFKA_BROKERS is not set.'],
  ])('says what is wrong with %s=%s in one sentence', (name, value, sentence) => {
    expect(() => readBootSettings({ ...env, [name]: value })).toThrow(new ConfigError(sentence));
  });

  it('is printed without secrets', () => {
    const own = { signingSecret: 'geheim', nested: [{ apiToken: 'geheim', url: 'http://u:geheim@h/' }] };
    const printed = JSON.stringify(withoutSecrets({ ...readBootSettings(env), own }));
    expect(printed).not.toContain('geheim');
    expect(printed).toContain('postgres://campaign:***@db:5432/campaign');
  });
});

describe('KURRENTDB_URL', () => {
  it.each(['kurrentdb://db:2113?tls=false', 'esdb+discover://u:p@a:2113,b:2113', undefined, ' '])(
    'may be %j',
    (url) => {
      expect(readBootSettings({ ...env, KURRENTDB_URL: url }).kurrentDbUrl).toBe(url?.trim() || undefined);
    },
  );

  it.each(['http://db:2113', 'kurrentdb', 'kurrentdb://', 'kurrentdb:// db'])('is refused as %j', (url) => {
    expect(() => readBootSettings({ ...env, KURRENTDB_URL: url })).toThrow(ConfigError);
  });

  it('is printed without its password, also where it names several hosts', () => {
    const printed = withoutSecrets({ a: 'esdb+discover://u:geheim@a:2113,b:2113', b: 'kurrentdb://u:geheim@a:2113' });
    expect(JSON.stringify(printed)).not.toContain('geheim');
    expect(printed).toMatchObject({ a: 'esdb+discover://u:***@a:2113,b:2113' });
  });
});
