import type { Closers } from './closers.js';
import type { DataDirectory } from './data-directory.js';
import type { Settings } from './settings.js';

export interface StartRequest {
  readonly settings: Settings;
  readonly directory: DataDirectory;
  readonly closers: Closers;
}

export interface Started {
  /** What was started, for the terminal. */
  readonly lines: readonly string[];
  /** Resolves with one sentence when something that everything needs has ended by itself. */
  readonly failed: Promise<string>;
}
