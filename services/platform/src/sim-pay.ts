import { PostgresEventLog } from '@tsunagu/event-store';
import { definition, registerSimulatedProvider } from '@tsunagu/exchange-settlement';
import { servicePool, versionsOf } from '@tsunagu/service-host';
import type { PreparedData } from './prepare-data.js';
import type { StartRequest } from './start.js';

/** Registers `sim-pay` at the first start, and its address again where PORT has changed. */
export async function registerSimPay(
  { settings, directory }: StartRequest,
  { databases, clock }: PreparedData,
): Promise<void> {
  const url = databases.services.get(definition.name) ?? '';
  const pool = servicePool({ url, schema: definition.schema, connectionsMax: 2 });
  const log = await PostgresEventLog.open({ pool, clock, versions: versionsOf(definition) });
  try {
    const parts = { log, database: pool, clock, keyDirectory: directory.keys };
    await registerSimulatedProvider(parts, `http://127.0.0.1:${settings.port}/sim-pay`);
  } finally {
    await log.close();
    await pool.end();
  }
}
