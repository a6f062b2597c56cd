import { Inject, Injectable } from '@nestjs/common';
import { type Clock, ok, type Result, refuse } from '@tsunagu/kernel';
import type { ProviderCalls } from '@tsunagu/provider-client';
import { CLOCK, CONFIG, QUESTIONS, type Questions } from '@tsunagu/service-host';
import type { ServiceLinkConfig } from '../config.js';
import type { AccountKeys } from '../domain/link.js';
import { noSoonerThan, type Waiting } from '../outbound/answer-floor.js';
import type { CodeAttempts } from '../outbound/code-attempts.js';
import type { LinkAccount, LinkVault, TypedSecrets } from '../outbound/link-vault.js';
import { confirmAccount } from '../outbound/provider.js';
import { askProvider } from '../outbound/questions.js';
import { CODE_ATTEMPTS, LINK_VAULT, PROVIDER_CALLS, WAITING } from './linking.js';

export interface CheckedAccount {
  readonly keys: AccountKeys;
  readonly account: LinkAccount;
}

export type CheckRefusal =
  | 'service_link.provider_unknown'
  | 'service_link.too_many_attempts'
  | 'service_link.account_not_confirmed'
  | 'service.unavailable';

/** Asks a provider at once whether an account is the caller's, under the limits of security codes. Nothing of it is kept here. */
@Injectable()
export class AccountCheck {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: ServiceLinkConfig,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(LINK_VAULT) private readonly vault: LinkVault,
    @Inject(PROVIDER_CALLS) private readonly calls: ProviderCalls,
    @Inject(CODE_ATTEMPTS) private readonly attempts: CodeAttempts,
    @Inject(WAITING) private readonly waiting: Waiting,
  ) {}

  /** `callId`: the attempt's, and what the provider sees as linkId. */
  async confirm(
    callId: string,
    providerId: string,
    secrets: TypedSecrets,
    by: { readonly personId: string; readonly terminalId: string | null },
  ): Promise<Result<CheckedAccount, CheckRefusal>> {
    const provider = await askProvider(this.questions, providerId);
    if (!provider) return refuse('service_link.provider_unknown');
    const accountKey = this.vault.accountKey(providerId, secrets.providerAccountId);
    const taken = await this.attempts.take({ attemptId: callId, accountKey, ...by }, this.clock.now());
    if (!taken.ok) return taken;
    const answer = await noSoonerThan(this.config.codeAnswerFloorMs, this.waiting, () =>
      confirmAccount(this.calls, provider.baseUrl, callId, secrets),
    );
    if (answer.kind === 'none') {
      await this.attempts.forget(callId);
      return refuse('service.unavailable', { detail: 'The provider gave no answer.' });
    }
    if (answer.kind === 'denied') {
      await this.attempts.wrong(callId);
      return refuse('service_link.account_not_confirmed', { extensions: { reasonCode: answer.reasonCode } });
    }
    await this.attempts.right(callId);
    const referenceKey = this.vault.referenceKey(providerId, answer.account.providerAccountRef);
    return ok({ keys: { accountKey, referenceKey }, account: answer.account });
  }
}
