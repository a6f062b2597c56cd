import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';

const pageMax = 200;

export class PageQuery {
  @ApiPropertyOptional({ type: String, description: 'nextCursor of the page before' })
  @IsOptional()
  @Matches(/^[1-9]\d{0,14}$/, { message: 'cursor must be a nextCursor of this list' })
  cursor?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: pageMax, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(pageMax)
  limit = 50;
}

/** Why somebody of the staff looks: said beforehand, kept with the look. A number of a case rather than a text about a person. */
export const reasonPattern = /^[\p{L}\p{N} ._/#-]{1,100}$/u;

/** Number of a case in the staff's own files: no place for a text about a person. */
export const evidencePattern = /^[A-Za-z0-9._/#-]{1,100}$/;
