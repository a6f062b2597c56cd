import { constants, createPrivateKey, privateEncrypt, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The digital-signature certificate of a card and its key: DER and PKCS #8, base64. */
export interface SigningCard {
  readonly certificate: string;
  readonly privateKey: string;
}

/** What comes of a signature: `other_bytes` signs another digest, `nothing` is a person who did not sign. */
export type SigningMode = 'good' | 'other_bytes' | 'nothing';

/** Whose the tokens of the login are. */
export interface TokenBooks {
  /** The client that a token of its own belongs to. */
  client(token: string): Promise<string | undefined>;
  /** The client and the person of a token that a login gave. */
  person(token: string): Promise<{ readonly clientId: string; readonly accountId: string } | undefined>;
}

interface Transaction {
  readonly clientId: string;
  /** SHA-256, 32 bytes. */
  readonly digest: Buffer;
  signed?: { readonly accountId: string; readonly certificate: string; readonly signature: string };
}

/** DigestInfo of SHA-256 up to the digest (RFC 8017 §9.2): cards sign digests and never see the bytes. */
const digestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex');
const digestBytes = 32;
const bodyBytesMax = 10_000;

/**
 * The signing function of the simulated login: a client registers a digest, the person's card signs it while they log in, and the
 * client fetches what came of it with the person's token.
 */
export class SimulatedSigning {
  mode: SigningMode = 'good';
  /** The signature card of an account, which lies at the person's phone. */
  readonly cards = new Map<string, SigningCard>();
  private readonly transactions = new Map<string, Transaction>();

  constructor(private readonly books: TokenBooks) {}

  /** The person taps the card on the login's page. */
  sign(transactionId: string, clientId: string, accountId: string): void {
    const transaction = this.transactions.get(transactionId);
    const card = this.cards.get(accountId);
    if (!transaction || transaction.clientId !== clientId || !card || this.mode === 'nothing') return;
    const digest = this.mode === 'good' ? transaction.digest : randomBytes(digestBytes);
    const key = createPrivateKey({ key: Buffer.from(card.privateKey, 'base64'), format: 'der', type: 'pkcs8' });
    const padded = { key, padding: constants.RSA_PKCS1_PADDING };
    const signature = privateEncrypt(padded, Buffer.concat([digestInfo, digest])).toString('base64');
    transaction.signed = { accountId, certificate: card.certificate, signature };
  }

  /** `POST /sign-transactions` and `GET /sign-transactions/<id>/result`. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const asked = /^\/sign-transactions\/([0-9a-f-]{36})\/result$/.exec(request.url ?? '')?.[1];
    if (asked === undefined) return this.begin(await this.books.client(token), request, response);
    const holder = await this.books.person(token);
    const transaction = this.transactions.get(asked);
    if (!holder) return answer(response, 401);
    const { signed } = transaction ?? {};
    if (!signed || signed.accountId !== holder.accountId || transaction?.clientId !== holder.clientId) {
      return answer(response, 404);
    }
    answer(response, 200, { certificate: signed.certificate, signature: signed.signature });
  }

  private async begin(clientId: string | undefined, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (clientId === undefined) return answer(response, 401);
    let text = '';
    for await (const part of request) {
      text += String(part);
      if (text.length > bodyBytesMax) return answer(response, 413);
    }
    const { digest = '' } = JSON.parse(text) as { digest?: string };
    const bytes = Buffer.from(digest, 'base64');
    if (bytes.length !== digestBytes) return answer(response, 400);
    const transactionId = randomUUID();
    this.transactions.set(transactionId, { clientId, digest: bytes });
    answer(response, 201, { sign_transaction_id: transactionId });
  }
}

function answer(response: ServerResponse, status: number, body: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
