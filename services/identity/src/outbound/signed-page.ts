import type { SigningKey } from '@tsunagu/service-host';
import { CompactSign } from 'jose';
import type { EndedPage } from '../projections/ended-memberships.js';

/** In the header of each page's JWS: no other text of this platform carries it. */
export const pageType = 'tsunagu-membership-feed';

/** What a service keeps as evidence: which service asked from which cursor, and what it was told when. */
export interface PageEvidence extends EndedPage {
  readonly service: string;
  readonly cursor: number;
  readonly signedAt: string;
}

/** A page as a compact JWS (RFC 7515, EdDSA by a key of the use `feed`): evidence in one string, which any JOSE library reads. */
export function signedPage({ kid, privateKey }: SigningKey, page: PageEvidence): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(page)))
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: pageType })
    .sign(privateKey);
}
