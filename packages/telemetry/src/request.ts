/** What became of one request to a server, for logs and metrics. */
export interface RequestSummary {
  readonly requestId: string;
  readonly method: string;
  /** As it is declared, with parameters in braces; undefined where no route fits. Never the path. */
  readonly route: string | undefined;
  readonly status: number;
  readonly elapsedMs: number;
  /** Error code where it failed. */
  readonly code?: string | undefined;
  /** Bytes of the bodies, where they were counted. */
  readonly bytesIn?: number | undefined;
  readonly bytesOut?: number | undefined;
}
