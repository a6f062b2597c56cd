import type { Questions } from '@tsunagu/service-host';

/** A measure of a campaign, whoever owns it. */
export interface MeasureFacts {
  readonly campaignId: string;
  readonly measureId: string;
  readonly ownerId: string;
  readonly programmeId: string;
  readonly dryRun: boolean;
}

/** Undefined where the campaign has no such measure. Throws QuestionUnanswered for an outage. */
export function askMeasure(
  questions: Questions,
  campaignId: string,
  measureId: string,
): Promise<MeasureFacts | undefined> {
  return questions.ask<MeasureFacts>('campaign', `campaigns/${campaignId}/measures/${measureId}`);
}
