// What runs in the threads that `SignatureThreads` opens: Node strips its types, so only built-ins are imported and no class has parameter properties.
import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

/** The signatures of one presented certificate. */
export interface SignatureCheck {
  readonly der: Uint8Array;
  /** SHA-256 of the DER, hex. */
  readonly hash: string;
  readonly profile: 'rsa' | 'p384';
  readonly message: Uint8Array;
  /** Over the message, by the certificate's key: RSASSA-PKCS1-v1_5 with SHA-256, or ECDSA with SHA-384 in DER. */
  readonly signature: Uint8Array;
  /** Index of the authority whose key shall have signed the certificate; null: not asked. */
  readonly authority: number | null;
}

export interface SignatureAnswer {
  readonly messageHolds: boolean;
  /** False too when it was not asked. */
  readonly chainHolds: boolean;
}

/** What a thread is told: several checks at once, and no object for each of them, whose names and ends would be written every time. */
export interface ThreadQuestions {
  /** Message, signature and DER of each check, one after another: a buffer for each of them would keep the collector busy. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hashes: readonly string[];
  /** Of each check: place in `profiles`, authority (-1: not asked), octets of message, signature and DER. */
  readonly numbers: Int32Array;
}

/** An octet for each check, of `messageBit` and `chainBit`. */
export type ThreadAnswers = Uint8Array;

const profiles = ['rsa', 'p384'] as const;
const numbersEach = 5;
const messageBit = 1;
const chainBit = 2;

const keysKept = 1_000;

/** Checks signatures with the keys of pinned authorities, each imported once. Remembers the keys of certificates that come again. */
export class SignatureWork {
  private readonly keys = new Map<string, KeyObject>();

  private readonly authorityKeys: readonly KeyObject[];

  /** Certificates of the authorities, DER. */
  constructor(authorities: readonly Uint8Array[]) {
    this.authorityKeys = authorities.map((der) => new X509Certificate(der).publicKey);
  }

  check(check: SignatureCheck): SignatureAnswer {
    const refused = { messageHolds: false, chainHolds: false };
    try {
      const known = this.keys.get(check.hash);
      if (known && check.authority === null) return { ...refused, messageHolds: messageHolds(check, known) };
      // Twice as quick as the import of the key's own DER (45 against 80 µs).
      const certificate = new X509Certificate(check.der);
      const key = certificate.publicKey;
      if (!messageHolds(check, key)) return refused;
      // Of a certificate seen for the first time the key is not kept: that would double the price, by the collection of so many keys.
      if (check.authority === null) this.keep(check.hash, key);
      const authorityKey = check.authority === null ? undefined : this.authorityKeys[check.authority];
      return { messageHolds: true, chainHolds: authorityKey !== undefined && certificate.verify(authorityKey) };
    } catch {
      // OpenSSL refuses the key (a point off its curve), the certificate or the form of the signature.
      return refused;
    }
  }

  private keep(hash: string, key: KeyObject): void {
    if (this.keys.size >= keysKept) this.keys.clear();
    this.keys.set(hash, key);
  }
}

export function packed(checks: readonly SignatureCheck[]): ThreadQuestions {
  const hashes: string[] = [];
  const numbers = new Int32Array(numbersEach * checks.length);
  let octets = 0;
  for (const [index, { hash, profile, authority, message, signature, der }] of checks.entries()) {
    hashes.push(hash);
    const each = [profiles.indexOf(profile), authority ?? -1, message.length, signature.length, der.length];
    numbers.set(each, numbersEach * index);
    octets += message.length + signature.length + der.length;
  }
  const bytes = new Uint8Array(octets);
  let at = 0;
  const put = (part: Uint8Array) => {
    bytes.set(part, at);
    at += part.length;
  };
  for (const { message, signature, der } of checks) {
    put(message);
    put(signature);
    put(der);
  }
  return { bytes, hashes, numbers };
}

function unpacked({ bytes, hashes, numbers }: ThreadQuestions): SignatureCheck[] {
  let at = 0;
  const take = (octets: number) => {
    at += octets;
    return bytes.subarray(at - octets, at);
  };
  return hashes.map((hash, index) => {
    const number = (place: number) => numbers[numbersEach * index + place] ?? -1;
    return {
      hash,
      profile: profiles[number(0)] ?? 'rsa',
      authority: number(1) < 0 ? null : number(1),
      message: take(number(2)),
      signature: take(number(3)),
      der: take(number(4)),
    };
  });
}

function packedAnswer({ messageHolds, chainHolds }: SignatureAnswer): number {
  return (messageHolds ? messageBit : 0) | (chainHolds ? chainBit : 0);
}

/** Of the check at that place; undefined where there is none. */
export function answerAt(answers: ThreadAnswers, index: number): SignatureAnswer | undefined {
  const answer = answers[index];
  if (answer === undefined) return undefined;
  return { messageHolds: (answer & messageBit) !== 0, chainHolds: (answer & chainBit) !== 0 };
}

/** `workerData`: the certificates of the authorities. */
export function serveSignatures(port = parentPort): void {
  const work = new SignatureWork(workerData as readonly Uint8Array[]);
  port?.on('message', (questions: ThreadQuestions) => {
    const answers = unpacked(questions).map((check) => packedAnswer(work.check(check)));
    port.postMessage(Uint8Array.from(answers) satisfies ThreadAnswers);
  });
}

/** Without options: they cost 16 µs a call, and the defaults for these keys are PKCS #1 v1.5 and DER. */
function messageHolds({ profile, message, signature }: SignatureCheck, key: KeyObject): boolean {
  return verify(profile === 'rsa' ? 'sha256' : 'sha384', message, key, signature);
}
