import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findSecrets, type Place, type Secret } from './personal-data-scan.js';

/** All that one party outside is told: requests to it, and answers to what it asks. By the person whom each was about. */
export class Outgoing {
  readonly #places: { person: number; place: Place }[] = [];
  readonly #waiting = new Set<() => void>();
  /** Whose turn it is: what goes out is about them. */
  person = 0;

  constructor(readonly party: string) {}

  record(where: string, text: string): void {
    this.#places.push({
      person: this.person,
      place: { where: `${where} to ${this.party}`, text: withTokensRead(text) },
    });
    for (const wake of this.#waiting) wake();
  }

  /** A whole request as it arrived; resolves with its body when the last byte is there. */
  async recordRequest(request: IncomingMessage): Promise<string> {
    const { person } = this;
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString();
    if (person !== this.person) throw new Error('a request of one person ended while another had their turn');
    const head = `${request.method} ${request.url}\n${JSON.stringify(request.rawHeaders)}`;
    this.record(`${request.method} ${request.url?.split('?')[0]}`, `${head}\n${body}`);
    return body;
  }

  /** A whole answer of the platform to this party. */
  async recordAnswer(where: string, response: Response): Promise<{ status: number; body: Record<string, unknown> }> {
    const text = await response.text();
    this.record(where, `${JSON.stringify([...response.headers])}\n${text}`);
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
  }

  /** Resolves when something was recorded that holds the text. */
  async until(text: string): Promise<void> {
    while (!this.textOf(this.person).includes(text)) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  get places(): readonly Place[] {
    return this.#places.map(({ place }) => place);
  }

  textOf(person: number): string {
    return this.#places.flatMap((each) => (each.person === person ? [each.place.text] : [])).join('\n');
  }

  /** What could be an id of this person: words that are in nothing about anybody else. */
  idsOf(person: number): ReadonlySet<string> {
    const others = new Set(
      this.#places.flatMap((each) => (each.person === person ? [] : [...wordsOf(each.place.text)])),
    );
    return new Set([...wordsOf(this.textOf(person))].filter((word) => !others.has(word)));
  }
}

/** Words by which two parties could find out that they both know the person. */
export function sharedIds(one: Outgoing, other: Outgoing, person: number): readonly string[] {
  const known = other.idsOf(person);
  return [...one.idsOf(person)]
    .filter((word) => known.has(word))
    .map((word) => `${word} by ${one.party}, ${other.party}`);
}

export function secretsTold(parties: readonly Outgoing[], secrets: readonly Secret[]): readonly string[] {
  return parties.flatMap(({ places }) => findSecrets(places, secrets));
}

/** Somewhere that the platform calls; what is answered follows from the body. */
export async function listen(
  handle: (request: IncomingMessage) => Promise<number>,
): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    handle(request).then(
      (status) => response.writeHead(status).end(),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Times are no ids: two calls may fall into one second. */
const times = /\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)|(?<![\w-])\d{10}(?![\w-])/g;

function wordsOf(text: string): ReadonlySet<string> {
  const timeless = text.replaceAll(times, ' ');
  // In an address a slash parts two words, in base64 it is a digit.
  return new Set([...(timeless.match(/[\w-]{8,}/g) ?? []), ...(timeless.match(/[\w+/-]{8,}/g) ?? [])]);
}

/** A signed page or token says in base64url what it says. */
function withTokensRead(text: string): string {
  const tokens = text.match(/(?<![\w-])[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/g) ?? [];
  const read = tokens.flatMap((token) =>
    token
      .split('.')
      .slice(0, 2)
      .map((part) => Buffer.from(part, 'base64url').toString()),
  );
  return [text, ...read].join('\n');
}
