import type { Clock } from '@tsunagu/kernel';
import { servicePool } from '@tsunagu/service-host';
import { IssuerServer, IssuerStore, jwksLookup, SimulatedProvider } from '@tsunagu/testing';
import type { Closers } from './closers.js';
import type { DataDirectory } from './data-directory.js';
import type { DatabaseUrls } from './database.js';
import type { Handler } from './front.js';
import type { Settings } from './settings.js';

/** What the test profile stands in for outside the platform: a card issuer (internal) and a provider (`/sim-pay`, public). */
export interface OutsideWorld {
  readonly publicHandlers: ReadonlyMap<string, Handler>;
  readonly internalHandlers: ReadonlyMap<string, Handler>;
  /** Settings that tell the services where it is. */
  readonly environment: Readonly<Record<string, string>>;
}

export async function startOutsideWorld(world: {
  settings: Settings;
  directory: DataDirectory;
  databases: DatabaseUrls;
  clock: Clock;
  internalUrl: string;
  jwksUrl: string;
  closers: Closers;
}): Promise<OutsideWorld> {
  const { settings, directory, databases, clock, closers } = world;
  if (settings.profile !== 'test') return { publicHandlers: new Map(), internalHandlers: new Map(), environment: {} };
  const issuer = new IssuerServer(await IssuerStore.open(directory.issuer), clock);
  const pool = servicePool({ url: databases.owner, schema: 'platform', connectionsMax: 4 });
  closers.add('the simulated provider', () => pool.end());
  const provider = await SimulatedProvider.open({ pool, clock, publicKey: jwksLookup(world.jwksUrl, 'provider') });
  return {
    publicHandlers: new Map([['sim-pay', (request, response) => void provider.handle(request, response)]]),
    internalHandlers: new Map([['sim-issuer', (request, response) => void issuer.handle(request, response)]]),
    environment: {
      TSUNAGU_ISSUER_URL: `${world.internalUrl}/sim-issuer`,
      TSUNAGU_TRUSTED_CA_DIRECTORY: IssuerStore.trustDirectory(directory.issuer),
    },
  };
}
