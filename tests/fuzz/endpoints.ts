import type { Limits } from "../../common/limits.ts";

/** Options of an endpoint under fuzz, and their consequences. */
export interface FuzzedEndpoint {
  readonly options: { readonly limits: Partial<Limits>; readonly perMessageDeflate?: boolean };
  /** Weight of the endpoint among all histories. */
  readonly weight: number;
  /** Whether a hook may never settle: `closeTimeout` is short. */
  readonly mayHang: boolean;
  /** Whether the server answers every message of a client that reads and respects `maxPayload`. */
  readonly isPatient: boolean;
}

const SHORT = { handshakeTimeout: 1000, closeTimeout: 1000 };

/** Name of an endpoint under fuzz. */
export type EndpointName =
  | "plain"
  | "serial"
  | "deflate"
  | "idle"
  | "drop"
  | "throwing"
  | "closing";

/** Endpoints under fuzz. Each has its own limits, and serves all its histories. */
export const ENDPOINTS: Readonly<Record<EndpointName, FuzzedEndpoint>> = {
  plain: { options: { limits: SHORT }, weight: 40, mayHang: true, isPatient: true },
  serial: {
    options: {
      limits: {
        ...SHORT,
        closeTimeout: 15_000,
        concurrency: 1,
        maxPayload: 4096,
        pendingMessages: 16,
        pendingBytes: 16_384,
      },
    },
    weight: 15,
    mayHang: false,
    isPatient: true,
  },
  deflate: {
    options: { limits: { ...SHORT, maxPayload: 65_536 }, perMessageDeflate: true },
    weight: 20,
    mayHang: true,
    isPatient: true,
  },
  idle: {
    // Longer than a busy machine keeps the well-behaved clients, which share a process, from reading.
    options: { limits: { ...SHORT, idleTimeout: 4000 } },
    weight: 5,
    mayHang: true,
    isPatient: true,
  },
  drop: {
    options: {
      limits: {
        ...SHORT,
        maxPayload: 1024,
        maxBuffered: 32_768,
        overflow: "drop",
        highWaterMark: 2048,
        drainThreshold: 100,
        maxTopicsPerPeer: 2,
      },
    },
    weight: 10,
    mayHang: true,
    isPatient: false,
  },
  throwing: {
    options: {
      limits: { ...SHORT, maxBuffered: 8192, overflow: "error", highWaterMark: 1, concurrency: 2 },
    },
    weight: 5,
    mayHang: true,
    isPatient: false,
  },
  closing: {
    options: {
      limits: { ...SHORT, maxBuffered: 4096, highWaterMark: 0, messagesPerSecond: 200 },
    },
    weight: 5,
    mayHang: true,
    isPatient: false,
  },
};

/** Returns the size of the largest message that an endpoint accepts. */
export function maxPayloadOf(name: EndpointName): number {
  return ENDPOINTS[name].options.limits.maxPayload ?? 1024 * 1024;
}
