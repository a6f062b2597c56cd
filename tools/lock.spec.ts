import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { absentOptionalPackages } from './fill-lock.mjs';

const root = resolve(import.meta.dirname, '..');

describe('the lock file', () => {
  test('names every optional package, so that npm ci accepts it in a fresh clone (else: npm run lock)', () => {
    const lock = JSON.parse(readFileSync(resolve(root, 'package-lock.json'), 'utf8'));
    expect(Object.keys(absentOptionalPackages(lock))).toEqual([]);
  });

  test.each(['package-lock.json', 'tools/mutation/package-lock.json'])('%s names no address of a registry', (file) => {
    expect(readFileSync(resolve(root, file), 'utf8')).not.toMatch(/"resolved": "https?:/);
  });
});

describe('filling a lock file', () => {
  const locked = (optionalDependencies: Record<string, string>, more: Record<string, object> = {}) => ({
    packages: { 'node_modules/a': { optionalDependencies }, ...more },
  });

  test('adds what is absent, with the platform that its name tells', () => {
    const lock = locked({ '@x/a-linux-x64-musl': '1.0.0', 'a-win32-ia32-msvc': '1.0.0', 'a-darwin-arm64': '1.0.0' });
    expect(absentOptionalPackages(lock)).toEqual({
      'node_modules/@x/a-linux-x64-musl': {
        version: '1.0.0',
        cpu: ['x64'],
        os: ['linux'],
        libc: ['musl'],
        optional: true,
      },
      'node_modules/a-win32-ia32-msvc': { version: '1.0.0', cpu: ['ia32'], os: ['win32'], optional: true },
      'node_modules/a-darwin-arm64': { version: '1.0.0', cpu: ['arm64'], os: ['darwin'], optional: true },
    });
  });

  test('leaves alone what is locked, beside the package or above it', () => {
    const lock = locked(
      { 'b-linux-x64': '1.0.0', 'c-linux-x64': '1.0.0' },
      {
        'node_modules/a/node_modules/b-linux-x64': {},
        'node_modules/c-linux-x64': {},
      },
    );
    expect(absentOptionalPackages(lock)).toEqual({});
  });

  test.each([
    [{ 'b-linux-x64': '^1.0.0' }, 'no exact version'],
    [{ 'just-b': '1.0.0' }, 'no single system'],
  ])('asks for a hand where it cannot know', (optional, words) => {
    expect(() => absentOptionalPackages(locked(optional))).toThrow(words);
  });
});
