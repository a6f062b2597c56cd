/** What the simulated login uses of oidc-provider 9. Its types on the registry bring twenty further packages. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface OidcContext {
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    readonly path: string;
    status: number;
    body: unknown;
    respond?: boolean;
    readonly oidc?: { readonly route?: string };
  }

  export interface Grant {
    addOIDCScope(scope: string): void;
    /** The grant's id. */
    save(): Promise<string>;
  }

  export default class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    readonly Grant: new (of: {
      accountId: string;
      clientId: string;
    }) => Grant;
    readonly AccessToken: {
      find(token: string): Promise<{ readonly clientId: string; readonly accountId: string } | undefined>;
    };
    readonly ClientCredentials: { find(token: string): Promise<{ readonly clientId: string } | undefined> };
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    use(middleware: (context: OidcContext, next: () => Promise<void>) => Promise<void>): void;
    interactionDetails(
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<{ readonly params: Readonly<Record<string, string>> }>;
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
  }
}
