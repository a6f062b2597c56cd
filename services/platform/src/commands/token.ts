import { appendFileSync, writeFileSync } from 'node:fs';
import { roles } from '@tsunagu/service-host';
import { citizenTokens } from '../citizen-tokens.js';
import { type Command, durationMs, text, wholeNumber } from '../command.js';
import { withData } from '../reach.js';
import { UserError } from '../settings.js';
import { type StaffRole, signStaffToken } from '../staff-tokens.js';
import { readClock, requireTestData } from '../stored-clock.js';

const COUNT_MAX = 1_000_000;
const LINES_AT_ONCE = 1_000;
const STAFF_TTL_MS = 3_600_000;
const CITIZEN_TTL_MS = 6 * 3_600_000;
const staffRoles: readonly StaffRole[] = roles.filter((role) => role !== 'citizen' && role !== 'service');

export const token: Command = {
  help: `Usage: npx tsunagu token --role ${staffRoles.join('|')} [--subject NAME] [--owner ID] [--ttl 1h] [--provider ID]
       npx tsunagu token --role citizen --count N [--birth-date 1990-04-01] [--residence 13101] [--ttl 6h] [--out tokens.txt]

The first form prints a bearer token; the subject defaults to the role's name, the owner to demo; --provider is for
a partner that speaks for that provider. The second registers N
persons and prints or writes a token a line, for load tests. Test profile only.`,
  options: {
    role: { type: 'string' },
    subject: { type: 'string' },
    owner: { type: 'string' },
    provider: { type: 'string' },
    ttl: { type: 'string' },
    count: { type: 'string' },
    'birth-date': { type: 'string' },
    residence: { type: 'string' },
    out: { type: 'string' },
  },
  async run({ values, settings }) {
    const role = text(values, 'role');
    const ttlMs = durationMs(values, 'ttl');
    if (role === 'citizen') {
      const count = wholeNumber(values, 'count', 1, 1, COUNT_MAX);
      const made = await withData(settings, async (data) => {
        await requireTestData(data.databases);
        return citizenTokens(data, {
          count,
          birthDate: text(values, 'birth-date'),
          residence: text(values, 'residence'),
          ttlMs: ttlMs ?? CITIZEN_TTL_MS,
        });
      });
      const out = text(values, 'out');
      if (out !== undefined) writeFileSync(out, '', { mode: 0o600 });
      // In parts: a million tokens are more than one text may hold.
      for (let start = 0; start < made.length; start += LINES_AT_ONCE) {
        const lines = made.slice(start, start + LINES_AT_ONCE).join('\n');
        if (out === undefined) console.log(lines);
        else appendFileSync(out, `${lines}\n`);
      }
      return 0;
    }
    const staffRole = staffRoles.find((each) => each === role);
    if (!staffRole) {
      throw new UserError(`--role is "${role ?? ''}"; it must be citizen or one of ${staffRoles.join(', ')}.`);
    }
    const subject = text(values, 'subject') ?? staffRole;
    if (!/^[\x21-\x7e]{1,100}$/.test(subject))
      throw new UserError('--subject must be 1 to 100 printable ASCII characters without spaces.');
    const providerId = text(values, 'provider');
    if (providerId !== undefined && staffRole !== 'partner')
      throw new UserError('--provider goes with --role partner only.');
    const signed = await withData(settings, async ({ directory, databases }) => {
      await requireTestData(databases);
      return signStaffToken(directory.keys, {
        role: staffRole,
        subject,
        ownerId: text(values, 'owner'),
        providerId,
        ttlMs: ttlMs ?? STAFF_TTL_MS,
        nowMs: (await readClock(databases)).nowMs,
      });
    });
    console.log(signed);
    return 0;
  },
};
