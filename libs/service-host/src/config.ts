/** What the environment holds. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A wrong setting: one sentence for the person who starts the process, exit code 1. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** A text setting; throws ConfigError when it is absent and has no default. */
export function textSetting(env: Environment, name: string, fallback?: string): string {
  const value = env[name]?.trim() || fallback;
  if (value === undefined) throw new ConfigError(`${name} is not set.`);
  return value;
}

/** A whole number within limits, both included. */
export function numberSetting(
  env: Environment,
  name: string,
  { fallback, min, max }: { fallback?: number; min: number; max: number },
): number {
  const text = env[name]?.trim();
  if (!text && fallback !== undefined) return fallback;
  const value = Number(text);
  if (!text || !Number.isInteger(value) || value < min || value > max) {
    throw new ConfigError(`${name} must be a whole number from ${min} to ${max}, not "${text ?? ''}".`);
  }
  return value;
}

/** One of a few words. */
export function choiceSetting<T extends string>(
  env: Environment,
  name: string,
  choices: readonly T[],
  fallback?: T,
): T {
  const text = env[name]?.trim() || fallback;
  const choice = choices.find((each) => each === text);
  if (choice === undefined) throw new ConfigError(`${name} must be ${choices.join(' or ')}, not "${text ?? ''}".`);
  return choice;
}

/** An absolute URL with one of the protocols named. */
export function urlSetting(env: Environment, name: string, protocols: readonly string[], fallback?: string): string {
  const text = textSetting(env, name, fallback);
  const url = URL.parse(text);
  if (!url || !protocols.includes(url.protocol)) {
    throw new ConfigError(`${name} must be a URL that starts with ${protocols.join('// or ')}//.`);
  }
  return text;
}
