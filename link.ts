import type { Admission } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { CallbackSocket, type Wire } from "./shims/callback_socket.ts";

/**
 * What a native socket carries in its user-data slot, on runtimes that have one: first the
 * admission, then our socket.
 */
export class Link<Native> {
  readonly #admission: Admission;
  readonly #protocol: string;
  readonly #extensions: string;
  #socket: CallbackSocket<Native> | undefined;
  /** How often something was heard from the client. */
  heard = 0;

  constructor(admission: Admission, protocol: string, extensions: string) {
    this.#admission = admission;
    this.#protocol = protocol;
    this.#extensions = extensions;
  }

  /** Our socket. Not before {@linkcode open}. */
  get socket(): CallbackSocket<Native> {
    return this.#socket!;
  }

  /** The native socket is there: makes a peer of it. */
  open(endpoint: Endpoint, wire: Wire<Native>, native: Native): void {
    this.#socket = new CallbackSocket(wire, native, this.#protocol, this.#extensions);
    endpoint.attach(this.#socket, this.#admission);
    this.#socket.opened();
  }
}
