// What is mutated, and the specs that have to notice. `database`: their specs need PostgreSQL, one server for the whole run.
export const scopes = {
  kernel: {
    mutate: ['libs/kernel/src/**/*.ts'],
    specs: ['libs/kernel/src/**/*.spec.ts'],
    database: false,
  },
  ledger: {
    mutate: ['services/point-ledger/src/domain/**/*.ts'],
    specs: ['services/point-ledger/src/domain/**/*.unit.spec.ts'],
    database: false,
  },
  store: {
    mutate: ['libs/event-store/src/**/*.ts'],
    specs: ['libs/event-store/src/**/*.spec.ts'],
    database: true,
  },
};
