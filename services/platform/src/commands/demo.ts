import { ApiClient } from '../api-client.js';
import type { Command } from '../command.js';
import { runDemo } from '../demo-steps.js';
import { requireRunning } from '../reach.js';

export const demo: Command = {
  help: `Usage: npx tsunagu demo

Takes one point the whole way on the running platform (npm start), printing each step: card, session, fund, campaign,
claim, points, link, exchange, settlement files. Moves the test clock one day forward before the settlement.`,
  options: {},
  async run({ settings }) {
    const reach = requireRunning(settings);
    return runDemo(new ApiClient(reach.url), reach);
  },
};
