// A mutant is run with every property that reaches it: a third of the examples each, and a failing one is not made smaller.
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: 30, endOnFailure: true });
