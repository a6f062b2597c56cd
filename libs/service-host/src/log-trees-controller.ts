import { Controller, Get, Header, Inject, Param, Query, type Type } from '@nestjs/common';
import { ApiExcludeController, ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ServiceName } from '@tsunagu/contracts';
import type { LogTree } from '@tsunagu/transparency';
import { Type as Typed } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { Public, Roles } from './caller.js';
import type { LogTrees } from './log-trees.js';
import { LOG_TREES, type ServiceDefinition } from './parts.js';
import { Problem, valueOrProblem } from './problem.js';

/** Heads in one page. */
const PAGE_MAX = 1_000;
const POSITION_MAX = Number.MAX_SAFE_INTEGER;
/** What is proved between fixed sizes never changes. */
const FOR_EVER = 'public, max-age=31536000, immutable';
const FOR_A_MOMENT = 'public, max-age=2';

class HeadsQuery {
  @Typed(() => Number)
  @IsInt()
  @Min(0)
  @Max(POSITION_MAX)
  @IsOptional()
  after?: number;

  @Typed(() => Number)
  @IsInt()
  @Min(1)
  @Max(PAGE_MAX)
  @IsOptional()
  limit?: number;
}

class ConsistencyQuery {
  @Typed(() => Number)
  @IsInt()
  @Min(0)
  @Max(POSITION_MAX)
  first: number;

  @Typed(() => Number)
  @IsInt()
  @Min(0)
  @Max(POSITION_MAX)
  second: number;
}

class InclusionQuery {
  @Typed(() => Number)
  @IsInt()
  @Min(1)
  @Max(POSITION_MAX)
  position: number;

  @Typed(() => Number)
  @IsInt()
  @Min(1)
  @Max(POSITION_MAX)
  @IsOptional()
  size?: number;
}

class PositionQuery {
  @Typed(() => Number)
  @IsInt()
  @Min(0)
  @Max(32_767)
  @IsOptional()
  log?: number;

  @Typed(() => Number)
  @IsInt()
  @Min(1)
  @Max(POSITION_MAX)
  position: number;
}

/**
 * `/{first segment}/v1/log`: signed heads and proofs, for everybody. Hashes and counts only: what an event says is shown to
 * those whom it concerns, elsewhere.
 */
export function logTreesController({ segments }: ServiceDefinition): Type {
  @ApiTags('log')
  @Controller(`${segments[0]}/v1/log`)
  @Public()
  class LogTreesController {
    constructor(@Inject(LOG_TREES) private readonly trees: LogTrees) {}

    @Get()
    @Header('Cache-Control', FOR_A_MOMENT)
    @ApiOperation({ summary: 'The logs of this service: origin, public key, newest signed head' })
    @ApiResponse({
      status: 200,
      description: '{ logs: [{ log, origin, verifierKey, size, signedAt }] }; size 0 before the first head',
    })
    async list() {
      return { logs: await Promise.all(this.trees.all.map(describe)) };
    }

    @Get(':log/checkpoint')
    @Header('Cache-Control', FOR_A_MOMENT)
    @Header('Content-Type', 'text/plain; charset=utf-8')
    @ApiOperation({ summary: 'The newest signed head, a C2SP checkpoint' })
    @ApiProduces('text/plain')
    @ApiResponse({ status: 200, description: 'Origin, size, root; an empty line; the signature' })
    async checkpoint(@Param('log') log: string): Promise<string> {
      return valueOrProblem(await this.treeOf(log).head()).note;
    }

    @Get(':log/checkpoints')
    @Header('Cache-Control', FOR_A_MOMENT)
    @ApiOperation({ summary: 'All signed heads of more than `after` leaves, the smallest first' })
    @ApiResponse({ status: 200, description: '{ checkpoints: [{ size, signedAt, note }], nextAfter? }' })
    async checkpoints(@Param('log') log: string, @Query() { after = 0, limit = PAGE_MAX }: HeadsQuery) {
      const found = await this.treeOf(log).heads(after, limit + 1);
      const checkpoints = found.slice(0, limit);
      return { checkpoints, ...(found.length > limit ? { nextAfter: checkpoints.at(-1)?.size } : {}) };
    }

    @Get(':log/consistency')
    @Header('Cache-Control', FOR_EVER)
    @ApiOperation({ summary: 'That the tree of `first` leaves is the beginning of that of `second` (RFC 9162 §2.1.4)' })
    @ApiResponse({ status: 200, description: '{ origin, first, second, proof: [base64] }' })
    async consistency(@Param('log') log: string, @Query() { first, second }: ConsistencyQuery) {
      const tree = this.treeOf(log);
      if (first <= second) return valueOrProblem(await tree.consistency(first, second));
      const message = 'first must not be larger than second';
      throw new Problem({ code: 'request.invalid', errors: [{ field: 'first', code: 'larger_than_second', message }] });
    }

    @Get(':log/inclusion')
    @Header('Cache-Control', FOR_A_MOMENT)
    @ApiOperation({
      summary: 'That a position is in the tree of `size` leaves, by default the newest signed (RFC 9162 §2.1.3)',
    })
    @ApiResponse({ status: 200, description: '{ origin, position, size, leafHash, proof: [base64] }' })
    async inclusion(@Param('log') log: string, @Query() { position, size }: InclusionQuery) {
      if (size === undefined || position <= size)
        return valueOrProblem(await this.treeOf(log).inclusion(position, size));
      const message = 'position must lie within size';
      throw new Problem({ code: 'request.invalid', errors: [{ field: 'position', code: 'beyond_size', message }] });
    }

    private treeOf(log: string): LogTree {
      return found(/^\d{1,5}$/.test(log) ? this.trees.of(Number(log)) : undefined);
    }
  }
  return LogTreesController;
}

/** `log/proof?log=&position=`: the recorded event with its proof, for a service that shows it to the person whom it concerns. */
export function logTreesQuestions(service: ServiceName): Type {
  @ApiExcludeController()
  @Controller(`${service}/internal/v1/log/proof`)
  class LogTreesQuestions {
    constructor(@Inject(LOG_TREES) private readonly trees: LogTrees) {}

    @Get()
    @Roles('service')
    prove(@Query() { log = 0, position }: PositionQuery) {
      return found(this.trees.of(log)).event(position);
    }
  }
  return LogTreesQuestions;
}

async function describe(tree: LogTree) {
  const { log, origin, verifierKey } = tree;
  const head = await tree.head();
  const signed = head.ok ? { size: head.value.size, signedAt: head.value.signedAt } : { size: 0, signedAt: null };
  return { log, origin, verifierKey, ...signed };
}

function found(tree: LogTree | undefined): LogTree {
  if (!tree) throw new Problem({ code: 'request.not_found' });
  return tree;
}
