import type { Caller } from '@tsunagu/service-host';

/** A token of a counter or kiosk session names its terminal; others have none. */
export function terminalOf(caller: Caller & { readonly terminalId?: string | null }): string | null {
  return caller.terminalId ?? null;
}
