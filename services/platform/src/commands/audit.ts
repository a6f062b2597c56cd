import { auditProof, type EventProof, type NoteVerifier } from '@tsunagu/transparency';
import { type Command, text, type Values } from '../command.js';
import { UserError } from '../settings.js';
import { auditFile, tell } from '../transparency/auditing.js';
import { exportFiles, readText, readVerifiers } from '../transparency/exports.js';

export const audit: Command = {
  help: `Usage: npx tsunagu audit EXPORT… --keys FILE [--checkpoint FILE]…
       npx tsunagu audit --proof FILE --keys FILE

Checks invariant I10 offline, from exports (files, or the directory that npx tsunagu export wrote) and public keys alone: works out
every leaf and the root anew from the events, checks the signature and the root of every head, and so that each is the beginning of
the next. What was changed, removed, inserted or moved is named by its position, as exactly as the stored tree and the heads
allow. --keys holds C2SP verifier keys, one a line. --checkpoint is a signed head that you kept from before: a log that was cut back
or written anew does not meet it. --proof checks the answer of GET /campaign/v1/claims/{claimId}/proof.
Exit code 1 when something does not hold.`,
  options: {
    keys: { type: 'string' },
    checkpoint: { type: 'string', multiple: true },
    proof: { type: 'string' },
  },
  async run({ values, positionals }) {
    const verifiers = readVerifiers(text(values, 'keys'));
    const proof = text(values, 'proof');
    if (proof !== undefined) return checkProof(proof, verifiers);
    const kept = keptHeads(values);
    let findings = 0;
    for (const file of exportFiles(positionals)) {
      const audited = await auditFile(file, verifiers, kept);
      tell(audited);
      findings += audited.findings.length;
    }
    if (findings === 0) console.log('\nNothing was tampered with.');
    else console.error(`\n${findings} findings: I10 does not hold.`);
    return findings === 0 ? 0 : 1;
  },
};

function keptHeads(values: Values): readonly string[] {
  const { checkpoint } = values;
  return Array.isArray(checkpoint) ? checkpoint.map((file) => readText(String(file))) : [];
}

function checkProof(file: string, verifiers: readonly NoteVerifier[]): number {
  let broken = 0;
  for (const proof of proofsIn(file)) {
    const wrong = auditProof(proof, verifiers);
    const where = `${proof.origin} position ${proof.position}`;
    if (wrong === undefined) console.log(`I10   ${where}: stands in the signed log\n      ${proof.leaf}`);
    else console.error(`I10  ${where}: ${wrong}`);
    if (wrong !== undefined) broken += 1;
  }
  return broken === 0 ? 0 : 1;
}

function proofsIn(file: string): readonly EventProof[] {
  try {
    const { events } = JSON.parse(readText(file)) as { events: readonly EventProof[] };
    const whole = events.every(
      ({ origin, position, leaf, proof, checkpoint }) =>
        [origin, leaf, checkpoint].every((member) => typeof member === 'string') &&
        Number.isSafeInteger(position) &&
        proof.every((hash) => typeof hash === 'string'),
    );
    if (whole && events.length > 0) return events;
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  throw new UserError(`${file} does not hold the answer of a claim's proof.`);
}
