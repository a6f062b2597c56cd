import { isoTime } from '@tsunagu/kernel';
import { type KeyAlgorithm, type KeyUse, keysOf, retireKey, rotateKey, shownFirstMs } from '@tsunagu/service-host';
import { type Command, text } from '../command.js';
import { DataDirectory } from '../data-directory.js';
import { definitions } from '../services.js';
import { UserError } from '../settings.js';
import { retireVault, rotateVaults, vaultLines } from '../vault-masters.js';

/** Keys of signed heads (`log-…`) are not here: whoever checks an export holds them for as long as the export. */
const uses: readonly KeyUse[] = [
  'citizen',
  'staff',
  'provider',
  'feed',
  'login',
  ...definitions.map(({ name }) => `service-${name}` as const),
];

const algorithms: Partial<Record<KeyUse, KeyAlgorithm>> = { provider: 'Ed25519', feed: 'Ed25519', login: 'ES256' };

export const keys: Command = {
  help: `Usage: npx tsunagu keys                              the signing keys and since when each signs
       npx tsunagu keys rotate USE [--soon]          makes the next key of ${uses.slice(0, 5).join(', ')} or a service
       npx tsunagu keys retire KID [--compromised]   takes out a key that was replaced
       npx tsunagu keys vault                        the master keys of the vaults, and how much each seals
       npx tsunagu keys rotate vault [--soon]        makes the next master key of each, which wraps 10 minutes later, or 1 with --soon
       npx tsunagu keys retire SERVICE-vault-N       takes out a master key that seals nothing any more

A new key is shown in the key set for ${shownFirstMs / 1_000} seconds before it signs, so no request meets somebody who does not know it; nothing is
restarted. The key of the national login is shown for a day, which --soon cuts to those seconds. The old one is taken out a day
after that, when no token that it signed is good any more; --compromised takes it out at once, and those tokens end within five minutes. Works on the data directory, or on the key directory that --directory names.

identity, service-link and exchange-settlement keep a vault each; --service names one of them. What an older master key seals is sealed
with the next one by the running processes of the service. docs/runbooks/changing-a-key.md has the steps. With OWNER_DATABASE_URL set, the
vault is the one in the database that it names.`,
  options: {
    compromised: { type: 'boolean' },
    soon: { type: 'boolean' },
    directory: { type: 'string' },
    service: { type: 'string' },
  },
  async run({ values, positionals, settings }) {
    const directory = text(values, 'directory') ?? new DataDirectory(settings.dataDirectory).keys;
    const [verb, name = ''] = positionals;
    if (/^(vault|rotate vault|retire .*vault-\d{1,6})$/.test(positionals.join(' '))) {
      const knownMs = values.soon === true ? shownFirstMs : undefined;
      const service = text(values, 'service');
      const rotated = verb === 'rotate' ? await rotateVaults(settings, service, { directory, knownMs }) : undefined;
      for (const line of rotated?.said ?? []) console.log(line);
      if (verb === 'retire') console.log(await retireVault(settings, name));
      for (const line of await vaultLines(settings, service)) console.log(line);
      // Those that could be made are made: one vault does not keep the others waiting.
      if (rotated && rotated.refused.length > 0) throw new UserError(rotated.refused.join('\n'));
      return 0;
    }
    const isPair = positionals.length === 2;
    if (verb === 'rotate' && isPair) await rotate(directory, name, values.soon === true);
    else if (verb === 'retire' && isPair) await retire(directory, name, values.compromised === true);
    else if (verb !== undefined)
      throw new UserError('Write npx tsunagu keys, keys vault, keys rotate USE or keys retire KID.');
    for (const line of await listed(directory)) console.log(line);
    return 0;
  },
};

async function rotate(directory: string, name: string, soon: boolean): Promise<void> {
  const use = uses.find((each) => each === name);
  if (!use) throw new UserError(`"${name}" is no use of a key; they are ${uses.join(', ')}.`);
  const made = await rotateKey(directory, use, algorithms[use] ?? 'RS256', Date.now(), soon ? shownFirstMs : undefined);
  if (typeof made === 'string') throw new UserError(`No key of ${use} is made: ${made}.`);
}

async function retire(directory: string, kid: string, compromised: boolean): Promise<void> {
  const use = uses.find((each) => kid.startsWith(`${each}-`) && /^\d+$/.test(kid.slice(each.length + 1)));
  if (!use) throw new UserError(`"${kid}" is no key of ${uses.join(', ')}.`);
  const refusal = await retireKey(directory, use, kid, { compromised });
  if (refusal) throw new UserError(`${kid} stays: ${refusal}.`);
}

async function listed(directory: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const use of uses) {
    const known = await keysOf(directory, use);
    const signs = known.filter(({ activeFromMs }) => activeFromMs <= Date.now()).at(-1);
    for (const key of known) {
      const since = Number.isFinite(key.activeFromMs) ? ` from ${isoTime(key.activeFromMs)}` : '';
      const state = key === signs ? 'signs' : key.activeFromMs > Date.now() ? 'will sign' : 'replaced';
      lines.push(`${key.kid.padEnd(32)}${state}${since}`);
    }
  }
  if (lines.length === 0) throw new UserError(`There are no keys in ${directory}.`);
  return lines;
}
