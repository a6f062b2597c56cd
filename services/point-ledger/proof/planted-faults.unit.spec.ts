import { plantedFaults } from './planted-faults.js';
import { prove } from './proving.js';

/** Programmes in which each fault must show; most show in the first ten. */
const PROGRAMMES = 2_000;

describe('a fault of the ledger', () => {
  it.each(Object.keys(plantedFaults))(
    'is found: %s',
    async (name) => {
      const planted = plantedFaults[name];
      if (!planted) throw new Error('no such fault');
      const { failure } = await prove({ count: PROGRAMMES, seed: 1, atOnce: 20, planted, shrinks: false });
      expect(failure).toMatch(/^seed \d+/);
    },
    120_000,
  );
});
