import type { HumansCertificate } from './test-humans.js';

/** The issuer in the lives of a few humans: their cards and phones, and what link data says of them. */
export class HumansIssuer {
  readonly certificates: HumansCertificate[] = [];

  issue(kind: 'card' | 'phone', human: number, isLinked: boolean): void {
    const before = this.of(human)
      .filter((each) => each.kind === 'card')
      .at(-1);
    if (kind === 'phone' && !before) return;
    const hash = String(this.certificates.length);
    const ties =
      kind === 'card'
        ? { predecessor: before?.hash ?? null, sibling: null }
        : { predecessor: null, sibling: before?.hash ?? null };
    this.certificates.push({ hash, human, kind, ...ties, isLinked });
  }

  of(human: number): readonly HumansCertificate[] {
    return this.certificates.filter((each) => each.human === human);
  }

  /** What the source says: predecessors as far as links are shown, and the phone of a card or the card of a phone. */
  linkOf(hash: string) {
    const certificate = this.certificates[Number(hash)];
    const predecessors: string[] = [];
    let at: HumansCertificate | undefined = certificate;
    while (at?.isLinked && at.predecessor !== null) {
      predecessors.push(at.predecessor);
      at = this.certificates[Number(at.predecessor)];
    }
    const beside = this.certificates.filter(({ sibling, isLinked }) => isLinked && sibling === hash);
    const siblings = beside.map(({ hash }) => hash);
    if (certificate?.isLinked && certificate.sibling !== null) siblings.push(certificate.sibling);
    return { predecessors, siblings };
  }

  /** The newest card and its newest phone: a renewed card ends the phones of the one before. */
  validOf(human: number): readonly HumansCertificate[] {
    const card = this.of(human)
      .filter(({ kind }) => kind === 'card')
      .at(-1);
    const phone = this.of(human)
      .filter(({ sibling }) => card !== undefined && sibling === card.hash)
      .at(-1);
    return [card, phone].filter((each) => each !== undefined);
  }
}
