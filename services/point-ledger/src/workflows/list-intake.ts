import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { addPoints, type Clock } from '@tsunagu/kernel';
import { CLOCK, CONFIG, LOGGER, Problem, type SpooledFile } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import type { LedgerConfig } from '../config.js';
import type { ListGrant, ListUploaded } from '../domain/list-grant.js';
import {
  columnsOf,
  type ListColumns,
  type ListRow,
  listRowsMax,
  looksLikeMyNumber,
  type RowLimits,
  type RowProblem,
  rowOf,
} from '../domain/list-rows.js';
import { readListFile } from '../files/list-file.js';
import { contentHasher } from '../files/list-hash.js';
import type { SheetLine } from '../files/sheet-lines.js';
import { ListBook } from './list-book.js';
import { ListTables } from './list-tables.js';

/** Problems that are kept for the report; a list with more of them is another file altogether. */
export const problemsMax = 100_000;
/** Files that wait on disk for their turn, besides the one being validated. */
const WAITING_MAX = 3;
const ROWS_AT_ONCE = 10_000;

interface FileProblem {
  readonly code: string;
  readonly detail: string;
}

/** What a file was found to be, before its content is compared with that of other lists. */
interface Found {
  readonly rows: number;
  readonly problems: number;
  readonly fileProblem: FileProblem | undefined;
}

/** Validates list files, one after the other: reads each once, in bounded memory, and records what it was found to be. */
@Injectable()
export class ListIntake implements OnModuleDestroy {
  private last: Promise<void> = Promise.resolve();
  private waiting = 0;
  private stopped = false;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CONFIG) private readonly config: LedgerConfig,
    private readonly book: ListBook,
    private readonly tables: ListTables,
  ) {}

  /** Throws the Problem `service.unavailable` where too many files wait. */
  makeRoom(): void {
    if (this.waiting > WAITING_MAX) throw new Problem({ code: 'service.unavailable', retryAfterSeconds: 20 });
  }

  /** Takes over the file and closes it. Resolves when the outcome is recorded; a validation that is cut off is sent again. */
  validate(list: ListGrant, upload: ListUploaded, file: SpooledFile): Promise<void> {
    this.waiting += 1;
    const turn = this.last.then(async () => {
      try {
        if (!this.stopped) await this.validateNow(list, upload, file);
      } catch (error) {
        if (!this.stopped) this.logger.error({ err: error, listId: list.listId }, 'a list was not validated');
      } finally {
        this.waiting -= 1;
        await this.tables.dropIncoming(upload.uploadId).catch(() => undefined);
        await file.close();
      }
    });
    this.last = turn;
    return turn;
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    await this.last;
  }

  private async validateNow(list: ListGrant, upload: ListUploaded, file: SpooledFile): Promise<void> {
    const { listId } = list;
    const { uploadId } = upload;
    const found = await this.readRows(list, upload, file);
    if (this.stopped) return;
    const room = problemsMax - found.problems;
    const twice = found.fileProblem ? 0 : await this.tables.reportTwice(uploadId, Math.max(0, room));
    const problemCount = found.problems + twice;
    if (found.fileProblem || problemCount > 0) {
      // Before the answer that says so.
      await this.tables.dropIncoming(uploadId);
      const { rows: rowCount, fileProblem = null } = found;
      const data = { listId, uploadId, fileProblem, rowCount, problemCount };
      return this.book.notValid({ type: 'ListFoundInvalid', data });
    }
    await this.tables.keep(uploadId);
    const content = await this.hashRows(uploadId);
    if (this.stopped) return;
    const event = { type: 'ListValidated', data: { listId, uploadId, rowCount: found.rows, ...content } } as const;
    const earlierListId = await this.book.validated(event);
    if (earlierListId === undefined) return;
    await this.tables.dropRows(uploadId);
    const { contentHash } = content;
    await this.book.notValid({ type: 'ListFoundRepeated', data: { listId, uploadId, contentHash, earlierListId } });
  }

  private async readRows(list: ListGrant, upload: ListUploaded, file: SpooledFile): Promise<Found> {
    const limits: RowLimits = { amountPointsMax: list.amountPointsMax, nowMs: this.clock.now() };
    const reading = readListFile(file.handle, upload.format);
    const sorter = new LineSorter(limits, this.config.listRowsMax);
    // The next lines are parsed while the last ones are stored.
    let storing: Promise<unknown> = Promise.resolve();
    try {
      for (;;) {
        const next = await reading.next();
        if (next.done) {
          await storing;
          return sorter.found(next.value);
        }
        const { rows, problems } = sorter.take(next.value);
        await storing;
        storing = Promise.all([this.tables.take(upload.uploadId, rows), this.tables.report(upload.uploadId, problems)]);
        storing.catch(() => undefined);
        if (sorter.isHopeless || this.stopped) {
          await storing;
          return sorter.found(undefined);
        }
      }
    } finally {
      await reading.return(undefined);
    }
  }

  private async hashRows(uploadId: string): Promise<{ readonly contentHash: string; readonly amountPoints: number }> {
    const hasher = contentHasher();
    let amountPoints = 0;
    for (let after = 0; ; ) {
      const rows = await this.tables.rows(uploadId, after, listRowsMax, ROWS_AT_ONCE);
      for (const row of rows) {
        hasher.add(row);
        amountPoints = addPoints(amountPoints, row.amountPoints);
      }
      const last = rows.at(-1);
      if (!last || this.stopped) return { contentHash: hasher.digest(), amountPoints };
      after = last.rowNumber;
    }
  }
}

/** Sorts lines into rows and problems, until something is wrong with the file as a whole. */
class LineSorter {
  private columns: ListColumns | undefined;
  private rows = 0;
  private problems = 0;
  private fileProblem: FileProblem | undefined;

  constructor(
    private readonly limits: RowLimits,
    private readonly rowsMax: number,
  ) {}

  get isHopeless(): boolean {
    return this.fileProblem !== undefined || this.problems >= problemsMax;
  }

  found(readerProblem: FileProblem | undefined): Found {
    const empty = { code: 'point_ledger.list_unreadable', detail: 'The file has no row below its header.' };
    const fileProblem = this.fileProblem ?? readerProblem ?? (this.rows + this.problems === 0 ? empty : undefined);
    return { rows: this.rows, problems: this.problems, fileProblem };
  }

  take(lines: readonly SheetLine[]): { readonly rows: readonly ListRow[]; readonly problems: readonly RowProblem[] } {
    const rows: ListRow[] = [];
    const problems: RowProblem[] = [];
    // First of all of them, so that no line beside such a number is stored.
    const personal = lines.find(({ cells }) => cells.some(looksLikeMyNumber));
    if (personal) {
      const detail = `Line ${personal.line} holds what looks like a My Number. Nothing of the file was kept.`;
      this.fileProblem = { code: 'point_ledger.list_my_number', detail };
      return { rows, problems };
    }
    for (const { line, cells } of lines) {
      if (this.isHopeless) break;
      if (!this.columns) this.readHeader(cells);
      else if (this.rows + rows.length + problems.length >= this.rowsMax) this.tooLong();
      else this.sort(rowOf(cells, line, this.columns, this.limits), rows, problems);
    }
    this.rows += rows.length;
    this.problems += problems.length;
    return { rows, problems };
  }

  private sort(read: ReturnType<typeof rowOf>, rows: ListRow[], problems: RowProblem[]) {
    if ('row' in read) rows.push(read.row);
    else if (this.problems + problems.length < problemsMax) problems.push(...read.problems);
  }

  private readHeader(cells: readonly string[]) {
    const columns = columnsOf(cells);
    if (columns.ok) this.columns = columns.value;
    else this.fileProblem = { code: columns.refusal.code, detail: columns.refusal.detail ?? '' };
  }

  private tooLong() {
    this.fileProblem = { code: 'point_ledger.list_too_long', detail: `A list may have ${this.rowsMax} rows.` };
  }
}
