/** One stable error code: what the caller is told, in both languages, and what to do next. */
export interface ErrorCode {
  readonly status: number;
  readonly title: { readonly en: string; readonly ja: string };
  /** What the caller can do. */
  readonly next: { readonly en: string; readonly ja: string };
}

export type ErrorCatalogue = Readonly<Record<string, ErrorCode>>;
