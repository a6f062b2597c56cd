import { definition as campaign } from '@tsunagu/campaign';
import { definition as exchangeSettlement } from '@tsunagu/exchange-settlement';
import { definition as identity } from '@tsunagu/identity';
import { definition as pointLedger } from '@tsunagu/point-ledger';
import type { ServiceDefinition } from '@tsunagu/service-host';
import { definition as serviceLink } from '@tsunagu/service-link';

/** The five services. Which of them runs where is the composition root's affair. */
export const definitions: readonly ServiceDefinition[] = [
  identity,
  serviceLink,
  campaign,
  pointLedger,
  exchangeSettlement,
];
