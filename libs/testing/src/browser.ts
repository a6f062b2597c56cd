import { existsSync } from 'node:fs';

/** Debian's; elsewhere named by CHROMIUM. */
export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const isRequired = Boolean(process.env.CI || process.env.TSUNAGU_REQUIRE_BROWSER);

/** Whether a spec goes on in a browser: where there is none, it says what is left out, or fails at the start where one is required. */
export function hasBrowser(what: string): boolean {
  if (existsSync(chromiumPath)) return true;
  if (!isRequired) console.warn(`left out, ${what}: there is no browser at ${chromiumPath}`);
  return isRequired;
}
