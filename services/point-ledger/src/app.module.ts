import { Module } from '@nestjs/common';
import { ClaimsConsumer } from './consumers/claims.js';
import { ExchangesConsumer } from './consumers/exchanges.js';
import { AccountStatementsController } from './http/account-statements.controller.js';
import { AccountsController } from './http/accounts.controller.js';
import { ExpiryForecastController } from './http/expiry-forecast.controller.js';
import { FundsController } from './http/funds.controller.js';
import { InternalController } from './http/internal.controller.js';
import { StatementsController } from './http/statements.controller.js';
import { TrialBalanceController } from './http/trial-balance.controller.js';
import { HoldSweeper } from './jobs/hold-sweeper.js';
import { LeaseSweeper } from './jobs/lease-sweeper.js';
import { Accounts } from './workflows/accounts.js';
import { Grants } from './workflows/grants.js';
import { Holds } from './workflows/holds.js';
import { Leases } from './workflows/leases.js';
import { WorkerSlot } from './workflows/worker-slot.js';

@Module({
  controllers: [
    FundsController,
    AccountsController,
    AccountStatementsController,
    TrialBalanceController,
    StatementsController,
    ExpiryForecastController,
    InternalController,
    ClaimsConsumer,
    ExchangesConsumer,
  ],
  providers: [WorkerSlot, Leases, Accounts, Grants, Holds, LeaseSweeper, HoldSweeper],
})
export class AppModule {}
