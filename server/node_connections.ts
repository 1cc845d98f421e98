import type { EventEmitter } from "node:events";

/** The part of a connection, or of an HTTP/2 session, that ends it. */
interface Endable {
  once(event: "close", listener: () => void): unknown;
  destroy(): unknown;
}

/** The part of a session of `node:http2` that ends it. */
interface Http2Session extends Endable {
  close(): void;
}

/**
 * Connections of a Node server, in each state. `closeAllConnections()` does not reach connections
 * before the TLS handshake, HTTP/2, and connections that an upgrade has taken from the server.
 */
export class NodeConnections {
  readonly #connections = new Set<Endable>();
  readonly #sessions = new Set<Http2Session>();

  constructor(server: EventEmitter) {
    const events = { connection: this.#connections, session: this.#sessions } as const;
    for (const [event, all] of Object.entries(events)) {
      server.on(event, (connection: Http2Session) => {
        all.add(connection);
        connection.once("close", () => all.delete(connection));
      });
    }
  }

  /** Asks HTTP/2 clients to leave. Their connections end after the running requests. */
  endSessions(): void {
    for (const session of this.#sessions) session.close();
  }

  /** Ends all connections at once. */
  cut(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}
