import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { ListRow, RowProblem } from '../domain/list-rows.js';

/** A row of a good file, numbered in canonical order. */
export interface StoredRow {
  readonly rowNumber: number;
  readonly personId: string;
  readonly amountPoints: number;
}

export interface StoredProblem extends RowProblem {
  readonly ordinal: number;
}

export interface Match {
  readonly rowNumber: number;
  readonly personId: string;
  readonly kind: 'same_measure' | 'other_list';
  readonly otherListId: string | null;
  readonly grantedAt: string | null;
}

/** Rows of uploads older than this belong to no validation that still runs. */
const INCOMING_KEPT_HOURS = 24;

/** The tables of list rows and reports. Every statement has a bounded number of rows, but for the sort of a whole upload. */
@Injectable()
export class ListTables {
  constructor(@Inject(DATABASE) private readonly database: Pool) {}

  async take(uploadId: string, rows: readonly ListRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.database.query({
      name: 'take-list-rows',
      text: `insert into list_incoming (upload_id, line, person_id, amount_points, reference)
             select $1, * from unnest($2::integer[], $3::uuid[], $4::bigint[], $5::text[])`,
      values: [
        uploadId,
        rows.map((row) => row.line),
        rows.map((row) => row.personId),
        rows.map((row) => row.amountPoints),
        rows.map((row) => row.reference),
      ],
    });
  }

  async report(uploadId: string, problems: readonly RowProblem[]): Promise<void> {
    if (problems.length === 0) return;
    await this.database.query(
      `insert into list_problems (upload_id, line, column_name, code, other_line)
       select $1, * from unnest($2::integer[], $3::text[], $4::text[], $5::integer[])`,
      [
        uploadId,
        problems.map((problem) => problem.line),
        problems.map((problem) => problem.column),
        problems.map((problem) => problem.code),
        problems.map((problem) => problem.otherLine),
      ],
    );
  }

  /** Reports each line that names a person whom an earlier line names; gives their number. */
  async reportTwice(uploadId: string, problemsMax: number): Promise<number> {
    const { rowCount } = await this.database.query(
      `insert into list_problems (upload_id, line, column_name, code, other_line)
       select upload_id, line, 'personId', 'person_twice', first_line
         from (select upload_id, line, min(line) over (partition by person_id) as first_line
                 from list_incoming where upload_id = $1) as rows
        where line > first_line
        order by line
        limit $2`,
      [uploadId, problemsMax],
    );
    return rowCount ?? 0;
  }

  /** Numbers the rows of a good upload in canonical order. */
  async keep(uploadId: string): Promise<void> {
    await this.database.query(
      `insert into list_rows (upload_id, row_number, person_id, amount_points, reference, line)
       select upload_id, row_number() over (order by person_id), person_id, amount_points, reference, line
         from list_incoming
        where upload_id = $1
        order by person_id`,
      [uploadId],
    );
  }

  async dropIncoming(uploadId: string): Promise<void> {
    await this.database.query(
      'delete from list_incoming where upload_id = $1 or taken_at < now() - make_interval(hours => $2)',
      [uploadId, INCOMING_KEPT_HOURS],
    );
  }

  async dropRows(uploadId: string): Promise<void> {
    await this.database.query('delete from list_rows where upload_id = $1', [uploadId]);
  }

  /** Rows after one, up to another, in canonical order. */
  async rows(uploadId: string, after: number, through: number, limit: number): Promise<readonly StoredRow[]> {
    const { rows } = await this.database.query<RowOfTable>({
      name: 'read-list-rows',
      text: `select row_number, person_id, amount_points
               from list_rows
              where upload_id = $1 and row_number > $2 and row_number <= $3
              order by row_number
              limit $4`,
      values: [uploadId, after, through, limit],
    });
    return rows.map(storedRow);
  }

  /** The same, of those only whom the fund could not pay before this attempt. */
  async unpaidRows(
    at: { readonly uploadId: string; readonly listId: string; readonly attempt: number },
    after: number,
    through: number,
    limit: number,
  ): Promise<readonly StoredRow[]> {
    const { rows } = await this.database.query<RowOfTable>(
      `select row_number, person_id, amount_points
         from list_rows
         join list_refusals using (person_id)
        where upload_id = $1 and list_id = $2 and is_curable and attempt < $3 and row_number > $4 and row_number <= $5
        order by row_number
        limit $6`,
      [at.uploadId, at.listId, at.attempt, after, through, limit],
    );
    return rows.map(storedRow);
  }

  /** Sum of the points of a range of rows. */
  async pointsOf(uploadId: string, firstRow: number, lastRow: number): Promise<number> {
    const { rows } = await this.database.query<{ points: string }>(
      `select coalesce(sum(amount_points), 0) as points
         from list_rows where upload_id = $1 and row_number between $2 and $3`,
      [uploadId, firstRow, lastRow],
    );
    return Number(rows[0]?.points);
  }

  async problems(uploadId: string, after: number, limit: number): Promise<readonly StoredProblem[]> {
    // By line, and from one page to the next by what makes a line's problems differ.
    const { rows } = await this.database.query<ProblemOfTable>(
      `select line, column_name, code, other_line, row_number() over (order by line, ordinal) as ordinal
         from list_problems where upload_id = $1 order by line, ordinal offset $2 limit $3`,
      [uploadId, after, limit],
    );
    return rows.map((row) => ({
      line: row.line,
      column: row.column_name,
      code: row.code,
      otherLine: row.other_line,
      ordinal: Number(row.ordinal),
    }));
  }

  async match(comparisonId: string, matches: readonly Match[]): Promise<void> {
    if (matches.length === 0) return;
    await this.database.query(
      `insert into list_matches (comparison_id, row_number, person_id, kind, other_list_id, granted_at)
       select $1, * from unnest($2::integer[], $3::uuid[], $4::text[], $5::uuid[], $6::timestamptz[])`,
      [
        comparisonId,
        matches.map((match) => match.rowNumber),
        matches.map((match) => match.personId),
        matches.map((match) => match.kind),
        matches.map((match) => match.otherListId),
        matches.map((match) => match.grantedAt),
      ],
    );
  }

  async matches(comparisonId: string, after: number, limit: number): Promise<readonly Match[]> {
    const { rows } = await this.database.query<MatchOfTable>(
      `select row_number, person_id, kind, other_list_id, granted_at
         from list_matches where comparison_id = $1 and row_number > $2 order by row_number limit $3`,
      [comparisonId, after, limit],
    );
    return rows.map((row) => ({
      rowNumber: row.row_number,
      personId: row.person_id,
      kind: row.kind,
      otherListId: row.other_list_id,
      grantedAt: row.granted_at?.toISOString() ?? null,
    }));
  }
}

interface RowOfTable {
  readonly row_number: number;
  readonly person_id: string;
  readonly amount_points: string;
}

interface ProblemOfTable {
  readonly line: number;
  readonly column_name: RowProblem['column'];
  readonly code: RowProblem['code'];
  readonly other_line: number | null;
  readonly ordinal: string;
}

interface MatchOfTable {
  readonly row_number: number;
  readonly person_id: string;
  readonly kind: Match['kind'];
  readonly other_list_id: string | null;
  readonly granted_at: Date | null;
}

function storedRow(row: RowOfTable): StoredRow {
  return { rowNumber: row.row_number, personId: row.person_id, amountPoints: Number(row.amount_points) };
}
