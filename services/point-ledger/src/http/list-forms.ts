import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { stagesMax } from '../domain/list-decisions.js';
import { amountPointsMaxDefault } from '../domain/list-rows.js';
import { plainText } from './formats.js';

/** A million rows of so many points each are still a safe integer. */
const AMOUNT_POINTS_MAX = 1_000_000_000;

export class NewList {
  @ApiProperty({ type: String, maxLength: 200, description: 'What the list is for. No personal data.' })
  @IsString()
  @MaxLength(200)
  @Matches(plainText, { message: 'name must be a text without control characters' })
  name: string;

  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  campaignId: string;

  @ApiProperty({ format: 'uuid', description: 'Each person is granted a measure once, by a claim or by a list.' })
  @IsUUID()
  measureId: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: AMOUNT_POINTS_MAX,
    default: amountPointsMaxDefault,
    description: 'A row of more points is a mistake.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(AMOUNT_POINTS_MAX)
  amountPointsMax?: number | null;
}

export class ListsPage {
  @ApiPropertyOptional({ type: String })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  cursor?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit?: number;
}

export class ComparisonBody {
  @ApiProperty({ format: 'uuid', description: 'The fund that would pay' })
  @IsUUID()
  fundId: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 60, default: 12, description: 'Look back so far' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(60)
  months?: number | null;
}

export class ReleaseBody {
  @ApiProperty({ format: 'uuid', description: 'The fund that the list was compared with' })
  @IsUUID()
  fundId: string;

  @ApiPropertyOptional({
    type: [Number],
    default: [],
    description: 'Percent of the rows of each stage before the last; the last stage is the rest.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(stagesMax)
  @IsNumber({ maxDecimalPlaces: 2 }, { each: true })
  @Min(0.01, { each: true })
  @Max(100, { each: true })
  stagePercents?: number[] | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: 8_760,
    default: 24,
    description: 'Points are seen at once and can be used so many hours after their grant.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(8_760)
  embargoHours?: number | null;

  @ApiPropertyOptional({ format: 'date-time', description: 'Or pointsExpireAfterMonths, or neither.' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  pointsExpireAt?: string | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 600 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(600)
  pointsExpireAfterMonths?: number | null;
}

/** Why a list is taken back. */
export const recallPatterns = ['wrong_list', 'granted_twice', 'wrong_amount', 'wrong_person', 'not_eligible'] as const;

export class RecallBody {
  @ApiProperty({ enum: recallPatterns })
  @IsIn(recallPatterns)
  reasonPattern: (typeof recallPatterns)[number];
}
