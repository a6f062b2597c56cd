import type { ParseArgsConfig } from 'node:util';
import { type Settings, UserError } from './settings.js';

export type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** One word of the command line. */
export interface Command {
  readonly help: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** The exit code. A UserError is printed as its one sentence. */
  run(call: { values: Values; positionals: readonly string[]; settings: Settings }): Promise<number>;
}

export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** A whole number from `min` to `max`, `fallback` where the option is absent. */
export function wholeNumber(values: Values, name: string, fallback: number, min: number, max: number): number {
  const given = text(values, name);
  if (given === undefined) return fallback;
  const number = Number(given);
  if (!/^\d+$/.test(given) || number < min || number > max) {
    throw new UserError(`--${name} is "${given}"; it must be a whole number from ${min} to ${max}.`);
  }
  return number;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `90s`, `10m`, `6h`, `1d`. */
export function durationMs(values: Values, name: string): number | undefined {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(given) ?? [];
  const factor = UNIT_MS[unit];
  if (factor === undefined) throw new UserError(`--${name} is "${given}"; write it as 90s, 10m, 6h or 1d.`);
  return Number(count) * factor;
}
