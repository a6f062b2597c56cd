/** A line of a list file: its cells as texts, and its number as a spreadsheet shows it. */
export interface SheetLine {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Why a whole file is refused. The detail quotes nothing of it. */
export interface FileProblem {
  readonly code: 'point_ledger.list_encoding' | 'point_ledger.list_unreadable';
  readonly detail: string;
}

/** A file's lines in batches, in bounded memory; it returns what was wrong with the file, if anything, at the end. */
export type SheetLines = AsyncGenerator<readonly SheetLine[], FileProblem | undefined>;
