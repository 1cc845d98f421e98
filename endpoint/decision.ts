import { type Refusal, refusalResponse } from "../handshake/handshake.ts";
import type { Admission } from "./connection_host.ts";

/** Outcome of a handshake. */
export type Decision =
  | {
    readonly kind: "accept";
    readonly admission: Admission;
    /** Subprotocol to select, `""` for none. */
    readonly protocol: string;
    /** Compression that the `upgrade` hook asks for. If `undefined`, the adapter decides. */
    readonly perMessageDeflate: boolean | object | undefined;
    /** Further headers for the 101, checked. */
    readonly headers: readonly (readonly [string, string])[];
  }
  /** The client gets this response. */
  | { readonly kind: "refuse"; readonly response: Response }
  /** The `upgrade` hook has taken over the socket. */
  | { readonly kind: "handled" }
  /** The client has left. */
  | { readonly kind: "gone" };

/** Makes the decision to refuse a client by a rule of the library. */
export function refused(refusal: Refusal): Decision {
  return { kind: "refuse", response: refusalResponse(refusal) };
}
