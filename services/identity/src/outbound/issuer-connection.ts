/** Time-out of every question, body included: real time. */
const timeoutMs = 2_000;

export interface IssuerResponse {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** HTTP to the issuer's own address. Certificates name hosts too, which are never asked. Throws when there is no whole answer in time. */
export class IssuerConnection {
  constructor(private readonly baseUrl: string) {}

  get(path: string, bytesMax: number, etag?: string | null): Promise<IssuerResponse> {
    return this.ask(path, bytesMax, etag ? { headers: { 'if-none-match': etag } } : {});
  }

  post(path: string, bytesMax: number, body: Uint8Array<ArrayBuffer>, contentType: string): Promise<IssuerResponse> {
    return this.ask(path, bytesMax, { method: 'POST', body, headers: { 'content-type': contentType } });
  }

  private async ask(path: string, bytesMax: number, request: RequestInit): Promise<IssuerResponse> {
    const url = this.baseUrl.replace(/\/+$/, '') + path;
    const response = await fetch(url, { ...request, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    return {
      status: response.status,
      etag: response.headers.get('etag'),
      body: await bytesOf(response, bytesMax),
    };
  }
}

/** The path of an address in a certificate. Throws for what is no HTTP address. */
export function pathOf(uri: string): string {
  const { protocol, pathname } = new URL(uri);
  if (protocol !== 'http:' && protocol !== 'https:') throw new Error('an address that is not of HTTP');
  return pathname;
}

async function bytesOf(response: Response, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > bytesMax) throw new Error('the issuer answered too much');
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}
