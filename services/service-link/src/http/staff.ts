import { ApiProperty } from '@nestjs/swagger';
import { type Caller, Problem } from '@tsunagu/service-host';
import { Matches } from 'class-validator';

/** A reference into the owner's own files, never the facts themselves; twelve digits alone could be a My Number. */
const EVIDENCE = /^(?!\d{12}$)[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$/;

export class WithEvidence {
  @ApiProperty({ type: String, maxLength: 100, description: "Reference into the owner's own files; no personal data" })
  @Matches(EVIDENCE, { message: 'evidence must be a reference of 1 to 100 of A-Z, a-z, 0-9 and . _ : / -' })
  evidence: string;
}

/** The owner a staff member works for. Every staff token has one. */
export function ownerOf({ ownerId }: Caller): string {
  if (ownerId === null) throw new Problem({ code: 'auth.role_required' });
  return ownerId;
}
