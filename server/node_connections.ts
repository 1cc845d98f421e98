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
 * All connections of a Node server. `closeAllConnections()` does not reach three kinds: connections
 * that have not finished the TLS handshake, connections of HTTP/2, and upgraded connections.
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
