import { invalidOption } from "../common/errors.ts";
import { checkNames } from "../common/option_names.ts";

/** Options that choose where and how a server listens. */
export interface ListenOptions {
  /**
   * Port to listen on: a number, or its digits as in `process.env.PORT`. 0 selects a free port.
   *
   * @default 3000
   */
  readonly port?: number | string;
  /**
   * Address or name to listen on.
   *
   * @default "0.0.0.0"
   */
  readonly hostname?: string;
  /** Certificate chain and private key in PEM, for `https` and `wss`. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Address at which a server listens. */
export interface ListenAddress {
  readonly port: number;
  readonly hostname: string;
}

/**
 * Checks the options, as each runtime understands wrong values in its own way. Returns the address.
 *
 * @throws {TypeError} for an option of the wrong type.
 * @throws {RangeError} for a port out of range.
 */
export function checkListenOptions(
  { port = 3000, hostname = "0.0.0.0", tls }: ListenOptions,
): ListenAddress {
  if (typeof hostname !== "string") {
    throw new TypeError(invalidOption("hostname", "a string", hostname));
  }
  if (tls !== undefined) {
    checkNames(tls, ["cert", "key"], { path: "tls." });
    for (const name of ["cert", "key"] as const) {
      if (typeof tls[name] === "string") continue;
      throw new TypeError(invalidOption(`tls.${name}`, "a string in PEM", tls[name]));
    }
  }
  return { port: portOf(port), hostname };
}

function portOf(port: unknown): number {
  const isNumeric = typeof port === "number" || (typeof port === "string" && /^\d+$/.test(port));
  if (!isNumeric) throw new TypeError(invalidOption("port", "a number from 0 to 65535", port));
  const number = Number(port);
  if (Number.isInteger(number) && number >= 0 && number <= 65535) return number;
  throw new RangeError(invalidOption("port", "a whole number from 0 to 65535", port));
}
