/**
 * WebSockets on Node, over `ws` and any `http` or `https` server.
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
import type { AnyContext } from "../handshake/handshake.ts";
import { type Hooks, isThenable } from "../endpoint/hooks.ts";
import { deflateOffers } from "../handshake/deflate_offers.ts";
import { upgradeStream } from "../shims/node/framed_socket.ts";
import { respond } from "../shims/node/node_response.ts";
import { RawHandshake } from "../handshake/raw_handshake.ts";
import { WsUpgrader } from "../shims/node/ws_upgrader.ts";
import type { ServerSocket } from "../socket/socket.ts";

/** Options of permessage-deflate as `ws` takes them; the ones that matter. */
export interface PerMessageDeflate {
  /** Messages under this many bytes are not compressed. `ws` takes 1,024 if left out. */
  readonly threshold?: number;
  /**
   * Compresses each message by itself (RFC 7692 §7.1.1.1): it saves memory, costs ratio, and a
   * message for many is compressed once for all of them.
   *
   * @default true
   */
  readonly serverNoContextTakeover?: boolean;
  /** Asks the client to do the same (RFC 7692 §7.1.1.2). */
  readonly clientNoContextTakeover?: boolean;
  /** How many messages `ws` compresses at a time. `ws` takes 10 if left out. */
  readonly concurrencyLimit?: number;
  /** Options of Node's zlib: `level`, `memLevel`, `chunkSize`. */
  readonly zlibDeflateOptions?: {
    readonly level?: number;
    readonly memLevel?: number;
    readonly chunkSize?: number;
  };
}

/** What a `WebSocketServer` of `ws` has; its types are for those who have them. */
export interface WsServer {
  /** As given to its constructor. */
  readonly options: object;
  /** Answers one upgrade request. */
  handleUpgrade(...args: never[]): void;
}

/** Options of the adapter for Node. */
export interface NodeOptions<Context extends object = AnyContext>
  extends Omit<AdapterOptions<Context>, "perMessageDeflate"> {
  /**
   * Compression by permessage-deflate (RFC 7692): `true`, or the options of `ws`. It costs memory
   * and a share of the CPU per client that uses it.
   *
   * @default false
   */
  readonly perMessageDeflate?: boolean | PerMessageDeflate;
  /**
   * A server of `ws` that upgrades the lines instead of one made here: its `clients`, its `headers`
   * and `connection` events and its `WebSocket` class then see every peer. It must have been made
   * with `noServer: true`; `maxPayload`, UTF-8 checks and `closeTimeout` are set by `limits` as always.
   */
  readonly wss?: WsServer;
  /**
   * More options for the server of `ws` that is made here: `WebSocket`, `clientTracking`,
   * `perMessageDeflate`, … What `limits` sets, and how it gets its lines, is not among them. Given,
   * even empty, `ws` frames every line, and `peer.websocket.raw` is a socket of `ws`; else only lines
   * that are compressed.
   */
  readonly serverOptions?: object;
}

type NodeSocket = Duplex & {
  readonly encrypted?: boolean;
  readonly remoteAddress?: string;
  /** Node's own: the response that is being written to this line. There is no public way to see it. */
  readonly _httpMessage?: unknown;
};

/** WebSockets on Node. */
export class NodeAdapter extends Adapter {
  readonly #options: NodeOptions;
  /** Upgrades lines by `ws`; there once one is wanted. */
  #ws: WsUpgrader | undefined;

  /** @internal Called by {@linkcode adapter}. */
  constructor(options: NodeOptions) {
    super(options as AdapterOptions, ["wss", "serverOptions"]);
    this.#options = options;
    if (this.#isWsAsked) this.#ws = this.#makeWs();
  }

  /**
   * Answers an upgrade request: give it to the server's `upgrade` event as it stands. Never rejects.
   *
   * @param webRequest the framework's own `Request`, whose `context` flows into `peer.context`.
   */
  readonly handleUpgrade = (
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    webRequest?: Request | { readonly context?: AnyContext },
  ): Promise<void> => {
    // Node has removed its own listener by now: a reset in an asynchronous hook would end the process.
    socket.on("error", ignore);
    const handshake = snapshot(request, socket as NodeSocket, head, webRequest);
    // A response to an earlier, pipelined request is still under way; ours would get into the
    // midst of it. No client that means it upgrades like this.
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

  /** Never rejects, and takes no turn where it need not. */
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
        return respond(request, stream, decision.response).catch(failed);
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
    const wants = admission.hooks;
    const isUpgraded = this.#needsWs(handshake, perMessageDeflate)
      ? (this.#ws ??= this.#makeWs())
        .upgrade(request, stream, head, { protocol, headers, perMessageDeflate, wants }, use)
      : upgradeStream(handshake, stream, head, { protocol, headers }, this.endpoint.limits, use);
    if (!isUpgraded) this.upgrader.failed(handshake, undefined, admission);
  }

  get #isWsAsked(): boolean {
    return this.#options.wss !== undefined || this.#options.serverOptions !== undefined;
  }

  /** Compression is for `ws`; a line without any we frame ourselves. */
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

/** Takes a line over, as a listener of the `upgrade` event of Node's servers does. */
export type NodeUpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => void | Promise<void>;

/**
 * Hooks that leave a connection to a handler which already exists, such as another WebSocket
 * library's: the line is its own from then on, and no other hook runs. For the adapter on Node alone.
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
      const { node } = (runtime ?? {}) as { node?: NodeRuntime };
      if (!node?.socket) {
        throw new TypeError(
          "Cannot leave the connection to the handler: only on Node is there a line",
        );
      }
      const pending = handler(node.req, node.socket, node.head);
      // Not awaited: it may last as long as the connection.
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

/** What hooks find as `request.runtime.node`. */
interface NodeRuntime {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

const DONE: Promise<void> = Promise.resolve();

function ignore(): void {}

function snapshot(
  request: IncomingMessage,
  socket: NodeSocket,
  head: Uint8Array,
  webRequest: object | undefined,
): RawHandshake {
  return new RawHandshake({
    method: request.method ?? "GET",
    httpVersion: request.httpVersion,
    target: request.url ?? "/",
    rawHeaders: request.rawHeaders,
    secure: socket.encrypted === true,
    remoteAddress: socket.remoteAddress,
    context: (webRequest as { context?: AnyContext } | undefined)?.context,
    runtime: { name: "node", node: { req: request, socket, head } },
  });
}
