/**
 * WebSockets on Node, with any `http` or `https` server.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import adapter from "@onepeer/onepeer/adapters/node";
 *
 * const ws = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 *
 * const server = createServer((_request, response) => void response.end("hello"));
 * server.on("upgrade", ws.handleUpgrade);
 * server.listen(0);
 *
 * await ws.close();
 * server.close();
 * ```
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Adapter, type AdapterOptions } from "../endpoint/adapter.ts";
import type { Decision } from "../endpoint/upgrader.ts";
import type { AnyContext, RequestRuntime } from "../handshake/handshake.ts";
import { type Hooks, isThenable } from "../endpoint/hooks.ts";
import { deflateOffers } from "../handshake/deflate_offers.ts";
import { upgradeStream } from "../shims/node/framed_socket.ts";
import { withServerLimits } from "../shims/node/server_options.ts";
import { respond } from "../shims/node/node_response.ts";
import { RawHandshake } from "../handshake/raw_handshake.ts";
import { WsUpgrader } from "../shims/node/ws_upgrader.ts";
import type { ServerSocket } from "../socket/socket.ts";

/** The most useful options of permessage-deflate in `ws`. */
export interface PerMessageDeflate {
  /**
   * Size in bytes from which messages are compressed.
   *
   * @default 1024, the default of `ws`
   */
  readonly threshold?: number;
  /**
   * Whether to compress each message by itself (RFC 7692 §7.1.1.1). This saves memory, and compresses
   * less. A published message is then compressed once for all subscribers.
   *
   * @default true
   */
  readonly serverNoContextTakeover?: boolean;
  /** Whether to ask the client to compress each message by itself (RFC 7692 §7.1.1.2). */
  readonly clientNoContextTakeover?: boolean;
  /**
   * Number of messages that `ws` compresses at the same time.
   *
   * @default 10, the default of `ws`
   */
  readonly concurrencyLimit?: number;
  /** Options of Node's zlib: `level`, `memLevel`, `chunkSize`. */
  readonly zlibDeflateOptions?: {
    readonly level?: number;
    readonly memLevel?: number;
    readonly chunkSize?: number;
  };
}

/** The part of a `WebSocketServer` of `ws` that the adapter uses. */
export interface WsServer {
  /** Options that the constructor received. */
  readonly options: object;
  /** Answers an upgrade request. */
  handleUpgrade(...args: never[]): void;
}

/** Options of the adapter for Node. */
export interface NodeOptions<Context extends object = AnyContext>
  extends Omit<AdapterOptions<Context>, "perMessageDeflate"> {
  /**
   * Whether to compress with permessage-deflate (RFC 7692): `true`, or options of `ws`. Compression
   * costs memory and CPU time for each client that uses it.
   *
   * @default false
   */
  readonly perMessageDeflate?: boolean | PerMessageDeflate;
  /**
   * Your own server of `ws`, made with `noServer: true`, that upgrades all connections. The
   * adapter uses the server's `WebSocket` class, adds every peer to its `clients`, and emits its
   * events `headers` and `connection`. `limits` sets `maxPayload` and `closeTimeout`, and text is
   * always checked for UTF-8.
   */
  readonly wss?: WsServer;
  /**
   * Further options for the server of `ws` that the adapter makes: `WebSocket`, `clientTracking`,
   * `perMessageDeflate`, and so on. `maxPayload` and `closeTimeout` become limits, unless `limits`
   * sets them. Options that choose a server or port are errors, as is `skipUTF8Validation`.
   *
   * If set, even to `{}`, `ws` serves every connection, and `peer.websocket.raw` is a socket of
   * `ws`. By default, `ws` serves compressed connections only.
   */
  readonly serverOptions?: object;
}

type NodeSocket = Duplex & {
  readonly encrypted?: boolean;
  readonly remoteAddress?: string;
  /** Response that Node is writing to this connection. Node has no public property for this. */
  readonly _httpMessage?: unknown;
};

/** The adapter for Node. */
export class NodeAdapter extends Adapter {
  readonly #options: NodeOptions;
  /** Upgrades connections by `ws`; created for the first connection that needs `ws`. */
  #ws: WsUpgrader | undefined;

  /** @internal Called by {@linkcode adapter}. */
  constructor(options: NodeOptions) {
    super(withServerLimits(options) as AdapterOptions, ["wss", "serverOptions"]);
    this.#options = options;
    if (this.#isWsAsked) this.#ws = this.#makeWs();
  }

  /**
   * Answers an upgrade request. Pass this function to the server's `upgrade` event. Never rejects.
   *
   * @param webRequest the framework's `Request`. Its `context` is merged into `peer.context`.
   */
  readonly handleUpgrade = (
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    webRequest?: Request | { readonly context?: AnyContext },
  ): Promise<void> => {
    // Node has removed its `error` listener. Without one, a reset during a hook ends the process.
    socket.on("error", ignore);
    const handshake = snapshot(request, socket as NodeSocket, head, webRequest);
    // Node is still writing the response to an earlier, pipelined request. Our response would be mixed
    // into that response. No serious client pipelines an upgrade request.
    if ((socket as NodeSocket)._httpMessage) {
      this.upgrader.failed(handshake);
      socket.destroy();
      return DONE;
    }
    const decision = this.decide(handshake, (left) => {
      socket.once("end", left).once("close", left);
      return () => void socket.off("end", left).off("close", left);
    });
    const carryOut = (decision: Decision) =>
      this.#carryOut(request, socket, head, decision, handshake);
    return isThenable(decision) ? decision.then(carryOut) : carryOut(decision);
  };

  /** Carries out a decision: at once, unless a refusal must be written. Never rejects. */
  #carryOut(
    request: IncomingMessage,
    stream: Duplex,
    head: Uint8Array,
    decision: Decision,
    handshake: RawHandshake,
  ): Promise<void> {
    const failed = (error: unknown) => {
      const admission = decision.kind === "accept" ? decision.admission : undefined;
      this.upgrader.failed(handshake, error, admission);
      stream.destroy();
    };
    try {
      if (decision.kind === "accept") this.#accept(request, stream, head, decision, handshake);
      else if (decision.kind === "gone") stream.destroy();
      else if (decision.kind === "refuse") {
        const { host } = this.endpoint.services;
        return respond(request, stream, decision.response, host).catch(failed);
      }
    } catch (error) {
      failed(error);
    }
    return DONE;
  }

  #accept(
    request: IncomingMessage,
    stream: Duplex,
    head: Uint8Array,
    { admission, protocol, headers, perMessageDeflate }: Decision & { kind: "accept" },
    handshake: RawHandshake,
  ): void {
    const use = (socket: ServerSocket & { opened(): void }) => {
      this.endpoint.attach(socket, admission);
      socket.opened();
    };
    const { hooks: wants, settings: { limits } } = admission;
    const answer = { protocol, headers, perMessageDeflate, limits, wants };
    const isUpgraded = this.#needsWs(handshake, perMessageDeflate)
      ? (this.#ws ??= this.#makeWs()).upgrade(request, stream, head, answer, use)
      : upgradeStream(handshake, stream, head, answer, limits, use);
    if (!isUpgraded) this.upgrader.failed(handshake, undefined, admission);
  }

  get #isWsAsked(): boolean {
    return this.#options.wss !== undefined || this.#options.serverOptions !== undefined;
  }

  /** Whether `ws` must serve a connection. Otherwise our own framing serves the connection. */
  #needsWs(handshake: RawHandshake, perMessageDeflate: boolean | object | undefined): boolean {
    if (this.#isWsAsked) return true;
    if (!(perMessageDeflate ?? this.#options.perMessageDeflate)) return false;
    return deflateOffers(handshake.header("sec-websocket-extensions")).length > 0;
  }

  #makeWs(): WsUpgrader {
    const { wss, serverOptions, perMessageDeflate } = this.#options;
    return new WsUpgrader({ wss, serverOptions, perMessageDeflate, ...this.endpoint.limits });
  }
}

/** Creates the adapter for Node. */
export function adapter<Context extends object = AnyContext>(
  options: NodeOptions<Context> = {},
): NodeAdapter {
  return new NodeAdapter(options as unknown as NodeOptions);
}

export default adapter;

/** Listener for the `upgrade` event of a Node server. The listener takes over the connection. */
export type NodeUpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => void | Promise<void>;

/**
 * Returns hooks that hand a connection over to an existing handler, for example of another WebSocket
 * library. The handler then owns the connection, and no other hook runs. Only the adapter for Node
 * supports these hooks.
 *
 * @example
 * ```ts
 * import adapter, { fromNodeUpgradeHandler } from "@onepeer/onepeer/adapters/node";
 *
 * const legacy = fromNodeUpgradeHandler((_request, socket) => void socket.end("HTTP/1.1 410 Gone\r\n\r\n"));
 * const ws = adapter({
 *   hooks: { message: (peer, message) => void peer.send(message) },
 *   resolve: (request) => request.url.endsWith("/legacy") ? legacy : undefined,
 * });
 * await ws.close();
 * ```
 */
export function fromNodeUpgradeHandler(handler: NodeUpgradeHandler): Pick<Hooks, "upgrade"> {
  return {
    upgrade({ runtime }) {
      const { node } = (runtime ?? {}) as Partial<NodeRequestRuntime>;
      if (!node?.socket) {
        throw new TypeError(
          "Cannot leave the connection to the handler as there is no Node socket: use the adapter for Node",
        );
      }
      const pending = handler(node.req, node.socket, node.head);
      // The promise is not awaited, as the handler may run as long as the connection.
      if (isThenable(pending)) {
        pending.then(undefined, (error) => {
          console.error("onepeer: the upgrade handler failed", error);
          node.socket.destroy();
        });
      }
      return { handled: true };
    },
  };
}

/** Type of `request.runtime`. */
export interface NodeRequestRuntime extends RequestRuntime {
  /** The name of the property below. */
  readonly name: "node";
  /** The arguments of the server's `upgrade` event. */
  readonly node: { readonly req: IncomingMessage; readonly socket: Duplex; readonly head: Buffer };
}

const DONE: Promise<void> = Promise.resolve();
function ignore(): void {}

function snapshot(
  request: IncomingMessage,
  socket: NodeSocket,
  head: Uint8Array,
  webRequest: object | undefined,
): RawHandshake {
  const runtime: NodeRequestRuntime = {
    name: "node",
    node: { req: request, socket, head: head as Buffer },
  };
  return new RawHandshake({
    method: request.method ?? "GET",
    httpVersion: request.httpVersion,
    target: request.url ?? "/",
    rawHeaders: request.rawHeaders,
    secure: socket.encrypted === true,
    remoteAddress: socket.remoteAddress,
    context: (webRequest as { context?: AnyContext } | undefined)?.context,
    runtime,
  });
}
