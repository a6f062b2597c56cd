import { generateKeyPairSync } from 'node:crypto';
import { isoTime } from '@tsunagu/kernel';
import type { Card } from '@tsunagu/testing';
import type { Launched } from './launch.js';
import { simPayAccount } from './people.js';

export const UNKNOWN_ID = '019ab3f0-6c00-7000-8000-000000000001';

/** A body that would be taken for every operation that takes one, by the name of its schema: hostile ones are made of them. */
export function goodBodiesOf(world: {
  launched: Launched;
  linkId: string;
  card: Card;
  /** One that `signature` was made for. */
  challengeId: string;
  signature: string;
  nowMs: number;
  baseUrl: string;
}): Record<string, Record<string, unknown>> {
  const { launched, linkId, challengeId, signature, nowMs, baseUrl } = world;
  const { certificate, signatureCertificate } = world.card;
  const day = isoTime(nowMs).slice(0, 10);
  const measure = {
    name: 'Measure',
    amountPoints: 1,
    fundId: launched.fundId,
    eligibility: { minimumAge: 18, ageAsOf: day, residencePrefixes: ['13'], residentAsOf: day },
    pointsExpireAfterMonths: 6,
  };
  const bankAccount = {
    bankCode: '0001',
    branchCode: '001',
    accountKind: 'ordinary',
    accountNumber: '1',
    payeeKana: 'ア',
  };
  const proof = { challengeId: UNKNOWN_ID, signature };
  const held = { challengeId: UNKNOWN_ID, certificate };
  const { publicKey } = generateKeyPairSync('ed25519');
  const clientKey = { ...publicKey.export({ format: 'jwk' }), kid: 'k1' };
  const correction = { accountId: UNKNOWN_ID, evidence: 'CASE-1' };
  return {
    ChallengeRequest: { purpose: 'link', operation: { a: 1 } },
    SessionRequest: {
      challengeId,
      certificate,
      signature,
      attributes: { kind: 'signatureCertificate', certificate: signatureCertificate, signature },
      join: false,
    },
    LoginRequest: { join: false, sign: false },
    LoginReturned: { code: 'code', state: 'state', iss: 'https://login.example', consent: true },
    StaffLoginRequest: { role: 'operator' },
    FreezeOrder: { personId: UNKNOWN_ID, pattern: 'card_lost' },
    LiftOrder: { proof },
    WithdrawalOrder: { proof },
    MyKeyIdOrder: { programmeId: 'default', myKeyId: 'ABCDEFGH234567', proof },
    ProvisionalMyKeyId: { programmeId: 'default', myKeyId: 'ABCDEFGH234567', proof },
    MyKeyIdChange: { programmeId: 'default', myKeyId: 'ABCDEFGH234567', proof },
    MyKeyIdConfirmation: { programmeId: 'default', terminalSessionId: UNKNOWN_ID, proof },
    WebhookOrder: { url: 'http://127.0.0.1:1/hook' },
    MembershipOrder: { service: 'library', serviceId: 'L-1', terminalSessionId: UNKNOWN_ID, proof },
    MembershipEnd: { service: 'library', proof },
    MembershipLookup: { service: 'library', ...held },
    ServiceOrder: { name: 'Library' },
    FeedOrder: { legalBasis: 'Ordinance 1, article 2' },
    Tap: { challengeId: UNKNOWN_ID, certificate, signature },
    DecisionBody: {
      outcome: 'same_person',
      keptPersonId: UNKNOWN_ID,
      certificatePersonId: UNKNOWN_ID,
      evidence: 'CASE-1',
    },
    ApprovalBody: { decisionId: UNKNOWN_ID },
    MergeBody: {
      keptPersonId: UNKNOWN_ID,
      mergedPersonId: launched.fundId,
      reasonPattern: 'registered_twice',
      evidence: 'CASE-1',
    },
    SplitBody: { mergeId: UNKNOWN_ID, reasonPattern: 'fraud', evidence: 'CASE-1' },
    ErasureBody: { personId: UNKNOWN_ID, reasonPattern: 'person_asked', evidence: 'CASE-1' },
    ClientBody: { clientId: 'good-client', role: 'partner', keys: [clientKey], providerId: 'sim-pay' },
    ClientKeysBody: { keys: [clientKey] },
    TokenRequest: {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: 'a.b.c',
      client_id: 'good-client',
    },
    ProgrammeBody: { programmeId: 'good', name: 'Good', providersPerPerson: 'many', linkConfirmation: 'none' },
    CampaignBody: {
      name: 'Good',
      programmeId: 'default',
      opensAt: isoTime(nowMs),
      closesAt: isoTime(nowMs + 86_400_000),
      dryRun: false,
      measures: [measure],
    },
    ClaimBody: { measureId: launched.measureId },
    NewFund: { name: 'Good', amountPoints: 1, fiscalYear: 2026, budgetCode: '1', dryRun: false },
    FundRaise: { amountPoints: 1 },
    NewList: { name: 'Good', campaignId: launched.campaignId, measureId: launched.measureId, amountPointsMax: 1_000 },
    ComparisonBody: { fundId: launched.fundId, months: 12 },
    ReleaseBody: {
      fundId: launched.fundId,
      stagePercents: [1, 10],
      embargoHours: 24,
      pointsExpireAt: null,
      pointsExpireAfterMonths: 6,
    },
    RecallBody: { reasonPattern: 'wrong_list' },
    NewLowering: { amountPoints: 1, reason: 'carried_over', toFundId: launched.fundId },
    NewReversal: { ...correction, lotId: UNKNOWN_ID, reasonPattern: 'fraud' },
    NewWriteOff: { ...correction, receivableId: UNKNOWN_ID, reasonPattern: 'hardship' },
    NewExtension: {
      campaignId: UNKNOWN_ID,
      fundId: launched.fundId,
      expiresFrom: isoTime(nowMs),
      expiresBefore: isoTime(nowMs + 86_400_000),
      newExpiresAt: isoTime(nowMs + 2 * 86_400_000),
      reasonPattern: 'service_outage',
      evidence: 'CASE-1',
    },
    LinkOrder: { providerId: 'sim-pay', method: 'redirect', programmeId: 'default' },
    ProviderReturn: { state: 'state', code: 'code' },
    Confirmation: { proof: { challengeId: UNKNOWN_ID, signature } },
    Dispute: { pattern: 'not_mine', side: 'holder' },
    AccountDispute: simPayAccount(),
    AccountLookup: { providerId: 'sim-pay', providerAccountId: '1234' },
    PairwiseLookup: { providerAccountRef: 'sp-1234' },
    End: { proof: { challengeId: UNKNOWN_ID, signature } },
    TypedAccount: { providerAccountId: '12345678', securityCode: '5678' },
    NewCorrection: {
      pattern: 'wrong_person',
      outcome: 'moved',
      links: [{ linkId: UNKNOWN_ID, toPersonId: launched.fundId }],
      evidence: 'CASE-1',
    },
    NewGuardian: { childPersonId: UNKNOWN_ID, guardianPersonId: launched.fundId, act: 'link', evidence: 'CASE-1' },
    ProviderOrder: {
      providerId: 'good',
      name: 'Good',
      // One that answers: an odd id may become a provider's, and is then asked about accounts.
      baseUrl: `${baseUrl}/sim-pay`,
      unitPoints: 1,
      minimumPoints: 1,
      rateNumerator: 1,
      rateDenominator: 1,
      bankAccount,
    },
    ExchangeOrder: { linkId, points: 100 },
    CloseBody: { providerId: 'sim-pay', from: day, to: day, transferDate: day, openItems: 'carry' },
  };
}
