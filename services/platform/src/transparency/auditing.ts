import {
  type Audited,
  type AuditFinding,
  auditLog,
  ExportDamaged,
  type NoteVerifier,
  readExport,
} from '@tsunagu/transparency';
import { Progress } from '../progress.js';
import { UserError } from '../settings.js';
import { describeFinding } from '../verification/finding.js';

const SHOWN_MAX = 50;

/** Audits one export file. A file that is no whole export is a UserError. */
export async function auditFile(
  file: string,
  verifiers: readonly NoteVerifier[],
  kept: readonly string[] = [],
): Promise<Audited> {
  const bar = new Progress(`auditing ${file}`);
  try {
    return await auditLog(readExport(file), { verifiers, kept, progress: (done, of) => bar.at(done, of) });
  } catch (error) {
    if (error instanceof ExportDamaged) throw new UserError(`I10  ${file}: ${error.message}`);
    throw error;
  }
}

/** What holds, a line a log; what does not, on stderr. */
export function tell({ service, log, events, heads, signed, root, findings }: Audited): void {
  const name = `${service}/${log}`;
  if (findings.length === 0) {
    const open = events - signed;
    const rest = open === 0 ? '' : `, ${open} not signed yet`;
    console.log(`I10   ${name}: ${events} events, ${heads} signed heads, none changed, removed or moved${rest}`);
    console.log(`      root ${root}`);
    return;
  }
  for (const finding of findings.slice(0, SHOWN_MAX)) console.error(describe(name, finding));
  if (findings.length > SHOWN_MAX) console.error(`… and ${findings.length - SHOWN_MAX} more in ${name}`);
}

function describe(service: string, { position, leaf, detail }: AuditFinding): string {
  const eventId = leaf === undefined ? null : String((JSON.parse(leaf) as { event_id: unknown }).event_id);
  return describeFinding({ invariant: 'I10', service, position: eventId === null ? null : position, eventId, detail });
}
