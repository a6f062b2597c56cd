import { Module } from '@nestjs/common';
import { ClaimsConsumer } from './consumers/claims.js';
import { ExchangesConsumer } from './consumers/exchanges.js';
import { AccountStatementsController } from './http/account-statements.controller.js';
import { AccountsController } from './http/accounts.controller.js';
import { ChangesController } from './http/changes.controller.js';
import { ExpiryForecastController } from './http/expiry-forecast.controller.js';
import { FundsController } from './http/funds.controller.js';
import { HoldsController } from './http/holds.controller.js';
import { InternalController } from './http/internal.controller.js';
import { ListActsController } from './http/list-acts.controller.js';
import { ListsController } from './http/lists.controller.js';
import { ProposalsController } from './http/proposals.controller.js';
import { StatementsController } from './http/statements.controller.js';
import { TrialBalanceController } from './http/trial-balance.controller.js';
import { ChangeSweeper } from './jobs/change-sweeper.js';
import { ExpiryJob } from './jobs/expiry.js';
import { HoldSweeper } from './jobs/hold-sweeper.js';
import { LeaseSweeper } from './jobs/lease-sweeper.js';
import { ListSweeper } from './jobs/list-sweeper.js';
import { ListIndex } from './projections/list-index.js';
import { AccountActs } from './workflows/account-acts.js';
import { AccountSnapshots } from './workflows/account-snapshots.js';
import { Accounts } from './workflows/accounts.js';
import { FundLowerings } from './workflows/fund-lowering.js';
import { Grants } from './workflows/grants.js';
import { Holds } from './workflows/holds.js';
import { Leases } from './workflows/leases.js';
import { ListBook } from './workflows/list-book.js';
import { ListComparisons } from './workflows/list-comparisons.js';
import { ListIntake } from './workflows/list-intake.js';
import { ListRun } from './workflows/list-run.js';
import { ListTables } from './workflows/list-tables.js';
import { LotRuns } from './workflows/lot-runs.js';
import { Proposals } from './workflows/proposals.js';
import { WorkerSlot } from './workflows/worker-slot.js';

@Module({
  controllers: [
    FundsController,
    AccountsController,
    AccountStatementsController,
    TrialBalanceController,
    ChangesController,
    ProposalsController,
    HoldsController,
    StatementsController,
    ExpiryForecastController,
    InternalController,
    ListsController,
    ListActsController,
    ClaimsConsumer,
    ExchangesConsumer,
  ],
  providers: [
    WorkerSlot,
    Leases,
    AccountSnapshots,
    Accounts,
    Grants,
    Holds,
    AccountActs,
    LotRuns,
    FundLowerings,
    Proposals,
    LeaseSweeper,
    HoldSweeper,
    ExpiryJob,
    ChangeSweeper,
    ListIndex,
    ListBook,
    ListTables,
    ListIntake,
    ListComparisons,
    ListRun,
    ListSweeper,
  ],
})
export class AppModule {}
