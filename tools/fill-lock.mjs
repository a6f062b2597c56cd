// Adds to package-lock.json the optional packages that the registry at hand does not have.
// `npm install` leaves out an optional package it cannot find (a compiler's binary for another system), and `npm ci`
// in a fresh clone then refuses the lock: "Missing: @swc/core-darwin-arm64 from lock file". Each such package is
// written as { version, cpu, os, libc?, optional }: npm skips it here and finds it by version where it exists.
// Run after every `npm install` that changed the lock: `node tools/fill-lock.mjs` (or `npm run lock`).
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 's390x', 'riscv64', 'x64'];

/**
 * What the lock lacks: optional dependencies of locked packages that no entry satisfies.
 * @param {{ packages: Record<string, { optionalDependencies?: Record<string, string> }> }} lock
 * @returns {Record<string, { version: string, cpu: string[], os: string[], libc?: string[], optional: true }>}
 */
export function absentOptionalPackages(lock) {
  /** @type {ReturnType<typeof absentOptionalPackages>} */
  const absent = {};
  for (const [location, entry] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isLocked(lock.packages, location, name)) continue;
      if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range)) {
        throw new Error(`${location} wants ${name}@${range}, which is no exact version: add it to the lock by hand`);
      }
      absent[`node_modules/${name}`] = { version: range, ...platformOf(name), optional: true };
    }
  }
  return absent;
}

/** Node's own lookup: beside the package, then in each folder above. */
function isLocked(packages, location, name) {
  let folder = location;
  for (;;) {
    if (packages[`${folder ? `${folder}/` : ''}node_modules/${name}`]) return true;
    if (!folder) return false;
    const cut = folder.lastIndexOf('/node_modules/');
    folder = cut === -1 ? '' : folder.slice(0, cut);
  }
}

/** The names of such packages end in system, processor and C library: `@swc/core-linux-arm-gnueabihf`. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = systems.filter((system) => words.includes(system));
  const cpu = processors.filter((processor) => words.includes(processor));
  if (os.length !== 1 || cpu.length !== 1) {
    throw new Error(`${name} names no single system and processor: add it to the lock by hand`);
  }
  if (!os.includes('linux')) return { cpu, os };
  if (words.some((word) => word.startsWith('musl'))) return { cpu, os, libc: ['musl'] };
  return words.some((word) => word.startsWith('gnu')) ? { cpu, os, libc: ['glibc'] } : { cpu, os };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = new URL('../package-lock.json', import.meta.url);
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const absent = absentOptionalPackages(lock);
  const packages = Object.entries({ ...lock.packages, ...absent }).sort(([a], [b]) => a.localeCompare(b, 'en'));
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`);
  console.log(`${Object.keys(absent).length} optional packages added to package-lock.json`);
}
