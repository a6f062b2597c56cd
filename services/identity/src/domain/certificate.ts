/** Stream `certificate-<ref>`: one authentication certificate, by keyed hash, belongs to one person for ever. */
export interface CertificateBound {
  readonly type: 'CertificateBound';
  readonly data: {
    readonly personId: string;
    readonly certificateRef: string;
    /** `presented`: this card signed; `linked`: reserved because link data ties it to one that did. */
    readonly by: 'presented' | 'linked';
  };
}

export function certificateStream(certificateRef: string): string {
  return `certificate-${certificateRef}`;
}

/** The person the certificate belongs to; undefined while it is free. */
export function personOf(events: readonly CertificateBound[]): string | undefined {
  return events[0]?.data.personId;
}
