/**
 * WebSockets on Bun, over `Bun.serve`.
 *
 * @example
 * ```ts ignore
 * import adapter from "@onepeer/onepeer/adapters/bun";
 *
 * const ws = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 *
 * Bun.serve({
 *   websocket: ws.websocket,
 *   fetch: (request, server) =>
 *     request.headers.get("upgrade") === "websocket"
 *       ? ws.handleUpgrade(request, server)
 *       : new Response("hello"),
 * });
 * ```
 *
 * @module
 */
import { Adapter, type AdapterOptions, closing } from "../endpoint/adapter.ts";
import type { Decision } from "../endpoint/upgrader.ts";
import { NativeDomain } from "../pubsub/native_broadcast.ts";
import type { AnyContext, RequestRuntime } from "../handshake/handshake.ts";
import {
  isSocketData,
  SocketData,
  spaceWithoutTopics,
  topicsOf,
} from "../shims/uws/socket_data.ts";
import { utf8Length } from "../socket/frame.ts";
import type { Wire } from "../socket/callback_socket.ts";
import { deflateOffers } from "../handshake/deflate_offers.ts";
import { RawHandshake } from "../handshake/raw_handshake.ts";
import { TopicSpace } from "../shims/uws/topic_space.ts";
import { reportClose } from "../shims/uws/uwebsockets.ts";
import type { BunServer, BunSocket, BunWebSocketHandler } from "../shims/uws/bun_types.ts";
import type { ControlKind, Payload } from "../socket/socket.ts";

export type { BunServer, BunSocket, BunWebSocketHandler } from "../shims/uws/bun_types.ts";

/** Options of the adapter for Bun. */
export type BunOptions<Context extends object = AnyContext> = AdapterOptions<Context>;

const wire: Wire<BunSocket> = {
  isOpen: () => true, // Bun reports each close at once
  send: (native, { payload }, compress) => native.send(payload, compress) > 0,
  close: (native, code, reason) => native.close(code, reason),
  // Bun 1.4 reports our close at once, even while bytes are queued.
  closeForgetsQueue: true,
  terminate: (native) => native.terminate(),
  bufferedAmount: (native) => native.getBufferedAmount(),
  topics: topicsOf(
    dataOf,
    (native, topic, { payload }, compress) => void native.publish(topic, payload, compress),
  ),
  flow: {
    pause: (native) => native.pause(),
    resume: (native) => native.resume(),
  },
  heartbeat: {
    ping: (native, data) => void native.ping(data),
    activity: (native) => dataOf(native)?.received ?? 0,
  },
};

/** The adapter for Bun. */
export class BunAdapter extends Adapter {
  /** Option `websocket` for `Bun.serve`. */
  readonly websocket: BunWebSocketHandler;
  readonly #spaces = new WeakMap<object, TopicSpace>();

  /** @internal Called by {@linkcode adapter}. */
  constructor(options: BunOptions) {
    super(options);
    const { settings } = this.endpoint.services.host;
    this.mostPayload = Math.min(settings.mostPayload, MAX_INT32);
    this.websocket = {
      maxPayloadLength: this.mostPayload,
      idleTimeout: 0,
      backpressureLimit: MAX_INT32,
      sendPings: false,
      perMessageDeflate: Boolean(options.perMessageDeflate),
      open: (native) => this.#open(native),
      message: onMessage,
      drain: onDrain,
      ping: (native, data) => onControl(native, "ping", data),
      pong: (native, data) => onControl(native, "pong", data),
      close: onClose,
    };
  }

  /**
   * Answers an upgrade request. Return the result from the server's `fetch`: `undefined` if Bun has
   * answered with a 101, else a refusal. Never rejects.
   */
  async handleUpgrade(request: Request, server: BunServer): Promise<Response | undefined> {
    const handshake = snapshot(request, server);
    return await this.answer(
      request,
      handshake,
      (decision) => this.#accept(request, server, handshake, decision),
    );
  }

  #accept(
    request: Request,
    server: BunServer,
    handshake: RawHandshake,
    { admission, protocol, headers: more }: Decision & { kind: "accept" },
  ): Response | undefined {
    const headers = new Headers(more.map(([name, value]): [string, string] => [name, value]));
    // Without this header, Bun 1.4 selects the first subprotocol that the client offers.
    headers.set("sec-websocket-protocol", protocol);
    const isOffered = this.websocket.perMessageDeflate &&
      deflateOffers(handshake.header("sec-websocket-extensions")).length > 0;
    const data = new SocketData<BunSocket>(
      (socket) => this.endpoint.attach(socket, admission),
      protocol,
      isOffered ? "permessage-deflate" : "",
      NativeDomain.bounds(admission.settings.limits, this.endpoint.limits)
        ? this.#spaceOf
        : spaceWithoutTopics,
      server,
    );
    if (server.upgrade(request, { data, headers })) return undefined;
    this.upgrader.failed(handshake, undefined, admission);
    return closing(new Response("The client has left\n", { status: 400 }));
  }

  /** Returns the topic space of a server, which owns its native topics. */
  readonly #spaceOf = (server: object): TopicSpace => {
    let space = this.#spaces.get(server);
    if (!space) {
      this.#spaces.set(server, space = new TopicSpace(NativeDomain.under(this.endpoint.limits)));
    }
    return space;
  };

  /** Opens our socket. Bun calls this inside `server.upgrade`. */
  #open(native: BunSocket): void {
    const data = dataOf(native);
    if (!data) return;
    native.binaryType = "arraybuffer";
    data.open(wire, native);
  }
}

/** Creates the adapter for Bun. */
export function adapter<Context extends object = AnyContext>(
  options: BunOptions<Context> = {},
): BunAdapter {
  return new BunAdapter(options as unknown as BunOptions);
}

export default adapter;

/** Type of `request.runtime` with this adapter. */
export interface BunRequestRuntime extends RequestRuntime {
  /** The name of the property below. */
  readonly name: "bun";
  /** The arguments of the server's `fetch`. */
  readonly bun: { readonly request: Request; readonly server: BunServer };
}

const MAX_INT32 = 2 ** 31 - 1;

function snapshot(request: Request, server: BunServer): RawHandshake {
  const { url } = request;
  const runtime: BunRequestRuntime = { name: "bun", bun: { request, server } };
  return new RawHandshake({
    method: request.method,
    target: url,
    rawHeaders: [...request.headers].flat(),
    secure: url.startsWith("https:"),
    remoteAddress: server.requestIP(request)?.address,
    context: (request as { context?: AnyContext }).context,
    runtime,
  });
}

/**
 * Returns our data, or `undefined` if a hook of the user has upgraded the socket with other data.
 */
function dataOf({ data }: BunSocket): SocketData<BunSocket> | undefined {
  return data instanceof SocketData ? data : undefined;
}

function onMessage(native: BunSocket, message: string | ArrayBuffer | Uint8Array): void {
  const data = dataOf(native);
  if (!data) return closeEarlier(native);
  data.received++;
  const payload: Payload = typeof message === "string" ? message : new Uint8Array(message);
  const size = typeof payload === "string" ? utf8Length(payload) : payload.byteLength;
  data.socket.received(payload, size);
}

function onControl(native: BunSocket, kind: ControlKind, bytes: Uint8Array): void {
  const data = dataOf(native);
  if (!data) return closeEarlier(native);
  data.received++;
  data.socket.controlled(kind, new Uint8Array(bytes));
}

function onDrain(native: BunSocket): void {
  dataOf(native)?.socket.drained();
}

function onClose(native: BunSocket, code: number, reason: string): void {
  const { data } = native;
  if (isSocketData(data)) reportClose(data.socket, code, reason ?? "");
}

/**
 * Closes a connection that was made before `bun --hot` loaded the code again, so that the client
 * connects to the new code. Bun 1.4 gives the events of all connections to the new handlers.
 */
function closeEarlier(native: BunSocket): void {
  if (isSocketData(native.data)) native.close(1012, "The server has new code");
}
