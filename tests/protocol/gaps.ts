/** Rows that a runtime fails, and that no shim can cure. They are run, and must fail. */
export interface ProtocolGap {
  /** Ids of the rows. */
  readonly rows: RegExp;
  readonly reason: string;
  readonly link: string;
}

/** By the name of the runtime. */
export const protocolGaps: Readonly<Record<string, readonly ProtocolGap[]>> = {};
