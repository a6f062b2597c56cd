// node infra/make-secrets.mjs: writes random passwords for docker-compose.yml to .env, once. Passwords there already stay.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const services = ['IDENTITY', 'SERVICE_LINK', 'CAMPAIGN', 'POINT_LEDGER', 'EXCHANGE_SETTLEMENT', 'SETTINGS'];
/** Every variable of docker-compose.yml that is a password. */
export const secretNames = [
  'POSTGRES_PASSWORD',
  ...services.flatMap((name) => [`${name}_PASSWORD`, `OWNER_${name}_PASSWORD`]),
];

if (import.meta.main ?? process.argv[1]?.endsWith('make-secrets.mjs')) {
  const file = new URL('../.env', import.meta.url);
  const present = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const added = secretNames
    .filter((name) => !new RegExp(`^${name}=`, 'm').test(present))
    .map((name) => `${name}=${randomBytes(24).toString('base64url')}\n`);
  writeFileSync(file, present + added.join(''), { mode: 0o600 });
  console.log(`${added.length} passwords written to .env`);
}
