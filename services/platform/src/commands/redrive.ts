import { serviceNames } from '@tsunagu/contracts';
import { redrive as redriveLetters } from '@tsunagu/event-feed';
import { isId, realClock } from '@tsunagu/kernel';
import { type Command, text } from '../command.js';
import { withData } from '../reach.js';
import { UserError } from '../settings.js';
import { storeOf, withStores } from '../verification/stores.js';

export const redrive: Command = {
  help: `Usage: npx tsunagu redrive --service ${serviceNames.join('|')} [--key ID] [--event ID]

Asks a service to work off its dead letters again, and in order what waits behind them: all of them, those of one partition
key (a personId), or one event. The running consumer takes them up within about a second; npx tsunagu status shows what is left.`,
  options: { service: { type: 'string' }, key: { type: 'string' }, event: { type: 'string' } },
  async run({ values, settings }) {
    const service = serviceNames.find((name) => name === text(values, 'service'));
    if (!service) throw new UserError(`--service must be one of ${serviceNames.join(', ')}.`);
    const [key, eventId] = [text(values, 'key'), text(values, 'event')];
    if (eventId !== undefined && !isId(eventId))
      throw new UserError(`--event is "${eventId}"; it is an event's id, a UUID.`);
    return withData(settings, ({ databases }) =>
      withStores(databases, realClock, async (stores) => {
        const { pool } = storeOf(stores, service);
        const count = await redriveLetters(pool, {
          group: service,
          ...(key !== undefined && { key }),
          ...(eventId !== undefined && { eventId }),
        });
        console.log(`${count} dead letters of ${service} are tried again`);
        return 0;
      }),
    );
  },
};
