import type { AppendRequest, EventLog } from '@tsunagu/event-store';

/** Where a spec ends the process, so to say. */
export class Crash extends Error {}

/** In place of a part that the process ends at. */
export const crash = async (): Promise<never> => {
  throw new Crash();
};

/** A part as it is but for some of its members. */
export function withParts<T extends object>(real: T, replaced: Partial<T> = {}): T {
  return new Proxy(real, {
    get: (target, name) => {
      const own: unknown = Reflect.get(replaced, name) ?? Reflect.get(target, name);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}

/** A log at which the process ends when an event of the type is appended: before it is recorded, or after. */
export function cutLog(log: EventLog, type: string, recorded: boolean): EventLog {
  return withParts(log, {
    append: async (requests: readonly AppendRequest[]) => {
      const isMeant = requests.some(({ writes }) =>
        writes.some(({ events }) => events.some((event) => event.type === type)),
      );
      if (!isMeant) return log.append(requests);
      if (recorded) await log.append(requests);
      throw new Crash();
    },
  });
}
