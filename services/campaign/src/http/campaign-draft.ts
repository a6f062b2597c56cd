import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { derivedId, type FieldError, isoTime } from '@tsunagu/kernel';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import type { CampaignFacts, Measure } from '../domain/campaign.js';
import type { Eligibility } from '../domain/eligibility.js';
import { IsDay, IsInstant, IsPlainText } from './formats.js';

const MEASURES_MAX = 50;
const NAME_MAX = 200;
const AMOUNT_POINTS_MAX = 1_000_000_000;
const EXPIRY_MONTHS_MAX = 1_200;
const AGE_MAX = 150;
const PREFIXES_MAX = 100;

export class EligibilityBody {
  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: AGE_MAX })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(AGE_MAX)
  minimumAge?: number | null;

  @IsOptional()
  @IsDay({ required: false })
  ageAsOf?: string | null;

  @ApiPropertyOptional({ type: [String], maxItems: PREFIXES_MAX })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(PREFIXES_MAX)
  @IsString({ each: true })
  @Matches(/^\d{1,5}$/, {
    each: true,
    message: 'residencePrefixes must be beginnings of municipality codes, 1 to 5 digits',
  })
  residencePrefixes?: string[] | null;

  @IsOptional()
  @IsDay({ required: false })
  residentAsOf?: string | null;
}

export class MeasureBody {
  @IsPlainText(NAME_MAX)
  name: string;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: AMOUNT_POINTS_MAX })
  @IsInt()
  @Min(1)
  @Max(AMOUNT_POINTS_MAX)
  amountPoints: number;

  @ApiProperty({ type: String })
  @IsString()
  @MaxLength(100)
  fundId: string;

  @ApiPropertyOptional({ type: EligibilityBody })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => EligibilityBody)
  eligibility?: EligibilityBody | null;

  @IsOptional()
  @IsInstant({ required: false })
  pointsExpireAt?: string | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: EXPIRY_MONTHS_MAX })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(EXPIRY_MONTHS_MAX)
  pointsExpireAfterMonths?: number | null;
}

export class CampaignBody {
  @IsPlainText(NAME_MAX)
  name: string;

  @ApiPropertyOptional({ type: String, default: 'default' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  programmeId?: string | null;

  @IsInstant()
  opensAt: string;

  @IsInstant()
  closesAt: string;

  @ApiPropertyOptional({ type: Boolean, default: false })
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean | null;

  @ApiProperty({ type: [MeasureBody], minItems: 1, maxItems: MEASURES_MAX })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MEASURES_MAX)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => MeasureBody)
  measures: MeasureBody[];
}

/** What is wrong between the fields; each field alone has been checked. */
export function draftErrors(body: CampaignBody): readonly FieldError[] {
  const errors: FieldError[] = [];
  const wrong = (field: string, code: string, message: string) => errors.push({ field, code, message });
  if (Date.parse(body.closesAt) <= Date.parse(body.opensAt)) {
    wrong('closesAt', 'not_after_opens_at', 'closesAt must be after opensAt');
  }
  body.measures.forEach((measure, i) => {
    const { pointsExpireAt, pointsExpireAfterMonths, eligibility } = measure;
    const at = `measures.${i}.`;
    if (present(pointsExpireAt) && present(pointsExpireAfterMonths)) {
      wrong(`${at}pointsExpireAfterMonths`, 'only_one', 'give pointsExpireAt or pointsExpireAfterMonths, not both');
    }
    if (present(pointsExpireAt) && Date.parse(pointsExpireAt) <= Date.parse(body.opensAt)) {
      wrong(`${at}pointsExpireAt`, 'not_after_opens_at', 'points must not expire before the campaign opens');
    }
    if (present(eligibility?.ageAsOf) && !present(eligibility?.minimumAge)) {
      wrong(`${at}eligibility.ageAsOf`, 'needs_minimum_age', 'ageAsOf says nothing without minimumAge');
    }
    if (present(eligibility?.residentAsOf) && !present(eligibility?.residencePrefixes)) {
      wrong(`${at}eligibility.residentAsOf`, 'needs_prefixes', 'residentAsOf says nothing without residencePrefixes');
    }
  });
  return errors;
}

/** The facts and measures of a draft; measure ids follow from the campaign's, so a repeated call finds the same ones. */
export function draftOf(body: CampaignBody, campaignId: string, ownerId: string) {
  const facts: CampaignFacts = {
    campaignId,
    ownerId,
    programmeId: body.programmeId ?? 'default',
    name: body.name,
    opensAt: isoTime(Date.parse(body.opensAt)),
    closesAt: isoTime(Date.parse(body.closesAt)),
    dryRun: body.dryRun ?? false,
  };
  const measures = body.measures.map(
    (measure, i): Omit<Measure, 'ruleVersion'> => ({
      measureId: derivedId(`measure ${i}`, campaignId),
      name: measure.name,
      amountPoints: measure.amountPoints,
      fundId: measure.fundId,
      eligibility: eligibilityOf(measure.eligibility),
      pointsExpireAt: present(measure.pointsExpireAt) ? isoTime(Date.parse(measure.pointsExpireAt)) : null,
      pointsExpireAfterMonths: measure.pointsExpireAfterMonths ?? null,
    }),
  );
  return { facts, measures };
}

/** Only the members given; null where no rule is left. */
function eligibilityOf(body: EligibilityBody | null | undefined): Eligibility | null {
  const given = Object.entries(body ?? {}).filter(([, value]) => present(value));
  return given.length > 0 ? (Object.fromEntries(given) as Eligibility) : null;
}

function present<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}
