import {
  Body,
  Controller,
  Get,
  Header,
  Headers,
  Inject,
  Param,
  Post,
  Put,
  Query,
  Res,
  StreamableFile,
} from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { type Clock, newId } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  EVENT_LOGS,
  Idempotent,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  QUESTIONS,
  type Questions,
  Roles,
  spool,
  type Upload,
  UploadedFile,
  until,
  valueOrProblem,
  waitSeconds,
} from '@tsunagu/service-host';
import { decideUpload } from '../domain/list-decisions.js';
import { isAtRest, type ListGrant, type ListUploaded } from '../domain/list-grant.js';
import { amountPointsMaxDefault } from '../domain/list-rows.js';
import { listMediaTypes } from '../files/list-file.js';
import { reportCsv } from '../files/list-reports.js';
import { askMeasure } from '../outbound/measures.js';
import { ListIndex } from '../projections/list-index.js';
import { type FirstLog, ListBook } from '../workflows/list-book.js';
import { ListIntake } from '../workflows/list-intake.js';
import { ListTables } from '../workflows/list-tables.js';
import { cursorOf, idFromPath, ownerOf, placeOf } from './formats.js';
import { ListsPage, NewList } from './list-forms.js';
import { listAnswer, problemAnswer } from './list-view.js';

/** Problems shown on the list itself; all of them are in its report. */
const PROBLEMS_SHOWN_MAX = 50;
const REPORT_ROWS_AT_ONCE = 5_000;
/** The caller hears the outcome of a small file at once. */
const VALIDATION_WAIT_SECONDS = 2;

interface Reply {
  code(status: number): Reply;
}

/** Lists of people to be granted: their files and what was found in them. What is done with them: list-acts.controller.ts. */
@ApiTags('lists')
@Controller('point-ledger/v1/lists')
export class ListsController {
  constructor(
    @Inject(EVENT_LOGS) private readonly logs: FirstLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    private readonly book: ListBook,
    private readonly index: ListIndex,
    private readonly intake: ListIntake,
    private readonly tables: ListTables,
  ) {}

  @Post()
  @Roles('operator')
  @Idempotent()
  @ApiOperation({ summary: 'Registers a list; its file is sent to …/rows' })
  async register(
    @CurrentCaller() caller: Caller,
    @CreatedId() listId: string,
    @CorrelationId() correlationId: string,
    @Body() { name, campaignId, measureId, amountPointsMax }: NewList,
  ) {
    const ownerId = ownerOf(caller);
    const measure = await askMeasure(this.questions, campaignId.toLowerCase(), measureId.toLowerCase());
    if (measure?.ownerId !== ownerId) throw new Problem({ code: 'point_ledger.list_measure_unknown' });
    const { programmeId, dryRun } = measure;
    const facts = { campaignId: measure.campaignId, measureId: measure.measureId, programmeId, dryRun };
    const limits = { amountPointsMax: amountPointsMax ?? amountPointsMaxDefault };
    const data = { listId, ownerId, name, ...facts, ...limits, by: caller.actor };
    await this.book.register({ type: 'ListRegistered', data }, { actor: caller.actor, correlationId });
    return listAnswer(await this.own(listId, caller));
  }

  @Put(':listId/rows')
  @Roles('operator')
  @ApiConsumes(...Object.keys(listMediaTypes))
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @ApiOperation({ summary: 'Sends the file of a list: CSV or XLSX. 202 while it is being validated: look at the list' })
  async upload(
    @CurrentCaller() caller: Caller,
    @Param('listId') id: string,
    @CorrelationId() correlationId: string,
    @UploadedFile() upload: Upload,
    @Res({ passthrough: true }) reply: Reply,
  ) {
    const { listId } = await this.own(idFromPath(id), caller);
    this.intake.makeRoom();
    const format = listMediaTypes[upload.mediaType];
    if (!format) throw new Problem({ code: 'request.unsupported_media_type' });
    const file = await spool(upload);
    const { hash: fileHash, bytes } = file;
    const uploadId = newId(this.clock.now());
    const uploaded: ListUploaded = { listId, uploadId, fileHash, format, bytes, by: caller.actor };
    let list: ListGrant;
    try {
      const acting = { actor: caller.actor, correlationId };
      const acted = await this.book.act(listId, acting, (seen) => decideUpload(seen, uploaded));
      if (!acted) throw new Problem({ code: 'request.not_found' });
      list = valueOrProblem(acted);
    } catch (error) {
      await file.close();
      throw error;
    }
    if (list.upload?.uploadId !== uploadId) await file.close();
    else void this.intake.validate(list, uploaded, file);
    const read = () => this.own(listId, caller);
    const now = await until(this.logs[0], read, ({ state }) => state !== 'validating', VALIDATION_WAIT_SECONDS);
    if (now.state === 'validating') reply.code(202);
    return this.outcome(now);
  }

  @Get()
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: "The owner's lists, newest first" })
  async list(@CurrentCaller() caller: Caller, @Query() { cursor, limit = 50 }: ListsPage) {
    const [before = Number.MAX_SAFE_INTEGER] = placeOf(cursor, 1) ?? [];
    const upToDate = await this.projections.waitFor('lists');
    const rows = await this.index.page(ownerOf(caller), before, limit + 1);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    const lists = await this.book.readAll(rows.slice(0, limit).map(({ listId }) => listId));
    return { lists: lists.map(listAnswer), upToDate, ...(last ? { nextCursor: cursorOf([last.position]) } : {}) };
  }

  @Get(':listId')
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'A list as its own stream says, with what was granted so far' })
  async find(
    @CurrentCaller() caller: Caller,
    @Param('listId') id: string,
    @Headers('prefer') prefer: string | undefined,
  ) {
    const read = () => this.own(idFromPath(id), caller);
    const list = await until(this.logs[0], read, isAtRest, waitSeconds(prefer) ?? 0);
    const upToDate = await this.projections.waitFor('lists');
    const answer = { ...listAnswer(list), ...(await this.problemsOf(list)) };
    return { ...answer, counts: { ...(await this.index.counts(list.listId)), upToDate } };
  }

  @Get(':listId/report')
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @Header('Content-Disposition', 'attachment; filename="report.csv"')
  @ApiProduces('text/csv')
  @ApiOperation({ summary: 'Everything that is wrong with the file, by line' })
  async report(@CurrentCaller() caller: Caller, @Param('listId') id: string) {
    const { upload } = await this.own(idFromPath(id), caller);
    const uploadId = upload?.uploadId;
    return csv(
      ['line', 'column', 'code', 'otherLine'],
      pages(async (after: number) => {
        const problems = uploadId ? await this.tables.problems(uploadId, after, REPORT_ROWS_AT_ONCE) : [];
        const rows = problems.map((each) => [each.line, each.column, each.code, each.otherLine]);
        return { rows, next: problems.at(-1)?.ordinal };
      }, 0),
    );
  }

  @Get(':listId/matches')
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @Header('Content-Disposition', 'attachment; filename="matches.csv"')
  @ApiProduces('text/csv')
  @ApiOperation({ summary: 'The people whom the last comparison found granted before' })
  async matches(@CurrentCaller() caller: Caller, @Param('listId') id: string) {
    const { comparison } = await this.own(idFromPath(id), caller);
    return csv(
      ['row', 'personId', 'kind', 'otherListId', 'grantedAt'],
      pages(async (after: number) => {
        const found = comparison ? await this.tables.matches(comparison.comparisonId, after, REPORT_ROWS_AT_ONCE) : [];
        const rows = found.map((each) => [each.rowNumber, each.personId, each.kind, each.otherListId, each.grantedAt]);
        return { rows, next: found.at(-1)?.rowNumber };
      }, 0),
    );
  }

  @Get(':listId/refusals')
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @Header('Content-Disposition', 'attachment; filename="refusals.csv"')
  @ApiProduces('text/csv')
  @ApiOperation({ summary: 'The people of the list who were not granted, with the reason' })
  async refusals(@CurrentCaller() caller: Caller, @Param('listId') id: string) {
    const { listId } = await this.own(idFromPath(id), caller);
    await this.projections.waitFor('lists');
    return csv(
      ['personId', 'reasonCode', 'curable', 'attempt'],
      pages(async (after: string) => {
        const found = await this.index.refusals(listId, after, REPORT_ROWS_AT_ONCE);
        const rows = found.map((each) => [each.personId, each.reasonCode, String(each.isCurable), each.attempt]);
        return { rows, next: found.at(-1)?.personId };
      }, '00000000-0000-0000-0000-000000000000'),
    );
  }

  /** What a file was found to be: a refusal where it is refused as a whole. */
  private async outcome(list: ListGrant) {
    if (list.state === 'repeated') {
      throw new Problem({ code: 'point_ledger.list_repeated', extensions: { earlierListId: list.earlierListId } });
    }
    const fileProblem = list.state === 'invalid' ? list.invalid?.fileProblem : undefined;
    if (fileProblem) throw new Problem(fileProblem);
    return { ...listAnswer(list), ...(await this.problemsOf(list)) };
  }

  private async problemsOf({ state, upload }: ListGrant) {
    if (state !== 'invalid' || !upload) return {};
    const problems = await this.tables.problems(upload.uploadId, 0, PROBLEMS_SHOWN_MAX);
    return { problems: problems.map(problemAnswer) };
  }

  private async own(listId: string, caller: Caller): Promise<ListGrant> {
    const seen = await this.book.read(listId);
    if (seen?.list.ownerId !== ownerOf(caller)) throw new Problem({ code: 'request.not_found' });
    return seen.list;
  }
}

function csv(columns: readonly string[], rows: AsyncIterable<readonly (string | number | null)[]>): StreamableFile {
  return new StreamableFile(reportCsv(columns, rows), { type: 'text/csv; charset=utf-8' });
}

/** Rows page by page, each page after the last place of the one before. */
async function* pages<P>(
  read: (
    after: P,
  ) => Promise<{ readonly rows: readonly (readonly (string | number | null)[])[]; readonly next: P | undefined }>,
  first: P,
) {
  for (let after: P | undefined = first; after !== undefined; ) {
    const page: Awaited<ReturnType<typeof read>> = await read(after);
    yield* page.rows;
    after = page.next;
  }
}
