import { Controller, Get, Inject, Query, type Type } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { publishedEvents, type ServiceName } from '@tsunagu/contracts';
import type { EventLog, LogSlice } from '@tsunagu/event-store';
import { Type as Typed } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { Roles } from './caller.js';
import { EVENT_LOGS } from './parts.js';
import { Problem } from './problem.js';

/** Events in one page. */
const PAGE_MAX = 1_000;
/** No service has as many logs; a greater number is no number of a log. */
const LOGS_MAX = 999;

class LogQuery {
  @Typed(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  @IsOptional()
  after?: number;

  @Typed(() => Number)
  @IsInt()
  @Min(1)
  @Max(PAGE_MAX)
  @IsOptional()
  limit?: number;

  @Typed(() => Number)
  @IsInt()
  @Min(0)
  @Max(LOGS_MAX)
  @IsOptional()
  log?: number;

  @IsString()
  @MaxLength(200)
  @IsOptional()
  stream?: string;
}

/**
 * `log?after=&limit=&stream=&log=`: a service's published events in one of its logs (0), for consumers that catch up, as they
 * were recorded: each consumer knows its own newest version. Names and internal events stay inside.
 */
export function logController(service: ServiceName): Type {
  const types = publishedEvents.filter((event) => event.producer === service).map((event) => event.type);

  @ApiExcludeController()
  @Controller(`${service}/internal/v1/log`)
  class LogController {
    constructor(@Inject(EVENT_LOGS) private readonly logs: readonly EventLog[]) {}

    @Get()
    @Roles('service')
    read(@Query() { after = 0, limit = PAGE_MAX, stream, log: number = 0 }: LogQuery): Promise<LogSlice> {
      const log = this.logs[number];
      if (!log) throw new Problem({ code: 'request.not_found' });
      return log.readLog({ after, limit, types, form: 'recorded', ...(stream === undefined ? {} : { stream }) });
    }
  }
  return LogController;
}
