/**
 * WebSockets on Node over uWebSockets.js 20.
 *
 * @example
 * ```ts ignore
 * import { App } from "uWebSockets.js";
 * import adapter from "@onepeer/onepeer/adapters/uws";
 *
 * const ws = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 *
 * const app = App();
 * ws.attach(app, "/*"); // or app.ws("/*", ws.websocket)
 * app.listen(3000, () => {});
 * ```
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { inspect } from "node:util";
import { Adapter, type AdapterOptions } from "../endpoint/adapter.ts";
import type { Decision } from "../endpoint/upgrader.ts";
import { NativeDomain } from "../pubsub/native_broadcast.ts";
import {
  type AnyContext,
  clientHasLeft,
  refusalResponse,
  type RequestRuntime,
} from "../handshake/handshake.ts";
import { isThenable } from "../endpoint/hooks.ts";
import { SocketData, spaceWithoutTopics, topicsOf } from "../shims/uws/socket_data.ts";
import type { Wire } from "../socket/callback_socket.ts";
import { deflateOffers } from "../handshake/deflate_offers.ts";
import type { RawHandshake } from "../handshake/raw_handshake.ts";
import { TopicSpace } from "../shims/uws/topic_space.ts";
import { reportClose } from "../shims/uws/uwebsockets.ts";
import { handshakeOf, NOT_ROUTED } from "../shims/uws/uws_handshake.ts";
import { respond, SafeResponse } from "../shims/uws/uws_response.ts";
import type {
  UwsApp,
  UwsBehavior,
  UwsContext,
  UwsRequest,
  UwsResponse,
  UwsSocket,
} from "../shims/uws/uws_types.ts";
import type { ControlKind } from "../socket/socket.ts";

export type {
  UwsApp,
  UwsBehavior,
  UwsContext,
  UwsRequest,
  UwsResponse,
  UwsSocket,
} from "../shims/uws/uws_types.ts";

/** Options of the adapter for uWebSockets.js. */
export type UwsOptions<Context extends object = AnyContext> = AdapterOptions<Context>;

const decoder = new TextDecoder();
/** Patterns with an adapter, by app. uWebSockets.js 20 ends the process if a pattern comes twice. */
const attached = new WeakMap<UwsApp, Set<string>>();
const MAX_INT32 = 2 ** 31 - 1;
/** `SHARED_COMPRESSOR | SHARED_DECOMPRESSOR` of uWebSockets.js 20. */
const SHARED_COMPRESSION = 1 | 256;

/** Result of `send()` without backpressure. */
const SENT = 1;

const wire: Wire<UwsSocket> = {
  isOpen: () => true, // uWebSockets.js reports each close at once
  send: (native, { payload }, compress) =>
    native.send(payload, typeof payload !== "string", compress) === SENT,
  close: (native, code, reason) => native.end(code, reason),
  // uWebSockets.js 20 reports our close at once, even while bytes are queued.
  closeForgetsQueue: true,
  terminate: (native) => native.close(),
  bufferedAmount: (native) => native.getBufferedAmount(),
  topics: topicsOf(
    dataOf,
    (native, topic, { payload }, compress) =>
      void native.publish(topic, payload, typeof payload !== "string", compress),
  ),
  heartbeat: {
    ping: (native, data) => void native.ping(data),
    activity: (native) => dataOf(native)?.received ?? 0,
  },
};

/** The adapter for uWebSockets.js. */
export class UwsAdapter extends Adapter {
  /** Behaviour to pass to `app.ws(pattern, …)`. */
  readonly websocket: UwsBehavior;
  readonly #spaces = new Map<string, TopicSpace>();

  /** @internal Called by {@linkcode adapter}. */
  constructor(options: UwsOptions) {
    super(options);
    const { settings } = this.endpoint.services.host;
    this.mostPayload = Math.min(settings.mostPayload, MAX_INT32);
    this.websocket = {
      compression: options.perMessageDeflate ? SHARED_COMPRESSION : 0,
      maxPayloadLength: this.mostPayload,
      maxBackpressure: MAX_INT32,
      idleTimeout: 0,
      sendPingsAutomatically: false,
      upgrade: (res, req, context) => this.#answer(res, req, context),
      open: (native) => dataOf(native)?.open(wire, native),
      message: onMessage,
      drain: (native) => dataOf(native)?.socket.drained(),
      ping: (native, message) => onControl(native, "ping", message),
      pong: (native, message) => onControl(native, "pong", message),
      close: onClose,
    };
  }

  /**
   * Routes all requests for a pattern to this adapter. With `app.ws` alone, uWebSockets.js ends the
   * connection of an invalid handshake without a response.
   *
   * **Register no other `app.any` or `app.ws` for the same pattern**, neither before nor after:
   * uWebSockets.js 20 then ends the process with "Internal routing error". For pages at the same
   * pattern, call `app.get`, `app.post` and so on, which come before `any`. Or attach the adapter to a
   * pattern without pages, such as `"/chat"`.
   *
   * @throws {Error} if an adapter is attached to this pattern of the app.
   */
  attach(app: UwsApp, pattern: string): void {
    const taken = attached.get(app) ?? new Set();
    if (taken.has(pattern)) {
      throw new Error(
        `Cannot attach to ${pattern} as the app already has an adapter there: use another pattern`,
      );
    }
    attached.set(app, taken.add(pattern));
    app.ws(pattern, this.websocket);
    app.any(pattern, (res, req) => this.#answer(res, req, undefined));
  }

  /**
   * Returns the topic space of a route. Native topics belong to the app, but a socket knows only the
   * context of its route. uWebSockets.js 20 passes each handshake a new object, which wraps the pointer
   * to the context. So the key is the address in the pointer, which `inspect()` prints.
   */
  readonly #spaceOf = (context: object): TopicSpace => {
    const address = inspect(context);
    let space = this.#spaces.get(address);
    if (space) return space;
    space = new TopicSpace(NativeDomain.under(this.endpoint.limits));
    // If the text has no address, each socket gets its own topic space.
    if (ADDRESS.test(address)) this.#spaces.set(address, space);
    return space;
  };

  /** Answers a handshake. Reads `req` first, which is valid only until this method returns. */
  #answer(res: UwsResponse, req: UwsRequest, context: UwsContext | undefined): void {
    const response = new SafeResponse(res);
    const runtime: UwsRequestRuntime = { name: "uws", uws: { res, req, context } };
    const handshake = handshakeOf(res, req, runtime);
    response.onLeft = () => handshake.abort(clientHasLeft);
    const decision = this.upgrader.decide(handshake, this.mostPayload);
    const carryOut = (decision: Decision) => {
      response.onLeft = undefined;
      if (decision.kind === "refuse") void respond(response, decision.response);
      if (decision.kind !== "accept") return;
      if (!context) {
        void respond(response, refusalResponse(NOT_ROUTED));
        this.upgrader.failed(handshake, undefined, decision.admission);
        return;
      }
      try {
        this.#accept(response, handshake, context, decision);
      } catch (error) {
        this.upgrader.failed(handshake, error, decision.admission);
      }
    };
    if (isThenable(decision)) decision.then(carryOut);
    else carryOut(decision);
  }

  #accept(
    response: SafeResponse,
    handshake: RawHandshake,
    context: UwsContext,
    { admission, protocol, headers }: Decision & { kind: "accept" },
  ): void {
    // An offer with `server_max_window_bits` can be accepted only by an answer with this parameter,
    // also for 15 bits (RFC 7692 §7.1.2.1). uWebSockets.js 20 has a fixed compression window, and never
    // sends the parameter. So the adapter declines such an offer.
    const offer = this.websocket.compression === 0 ? undefined : deflateOffers(
      handshake.header("sec-websocket-extensions"),
    ).find((it) => !it.includes("server_max_window_bits"));
    const onepeer = new SocketData<UwsSocket>(
      (socket) => this.endpoint.attach(socket, admission),
      protocol,
      offer ? "permessage-deflate" : "",
      NativeDomain.bounds(admission.settings.limits, this.endpoint.limits)
        ? this.#spaceOf
        : spaceWithoutTopics,
      context,
    );
    const key = handshake.header("sec-websocket-key") ?? "";
    const isAlive = response.use((res) => {
      res.cork(() => {
        res.writeStatus("101 Switching Protocols");
        for (const [name, value] of headers) res.writeHeader(name, value);
      });
      // Not in the cork: uWebSockets.js 20.57 may close a socket that is upgraded in a cork of a later
      // turn (https://github.com/uNetworking/uWebSockets/pull/1929).
      res.upgrade({ onepeer }, key, protocol, offer ?? "", context);
    });
    if (!isAlive) this.upgrader.failed(handshake, undefined, admission);
  }
}

/** Creates the adapter for uWebSockets.js. */
export function adapter<Context extends object = AnyContext>(
  options: UwsOptions<Context> = {},
): UwsAdapter {
  return new UwsAdapter(options as unknown as UwsOptions);
}

export default adapter;

/**
 * Type of `request.runtime` with this adapter. uWebSockets.js forbids the use of these objects after
 * the first `await` of `upgrade`.
 */
export interface UwsRequestRuntime extends RequestRuntime {
  /** The name of the property below. */
  readonly name: "uws";
  /** The arguments of the route. */
  readonly uws: {
    readonly res: UwsResponse;
    readonly req: UwsRequest;
    readonly context: UwsContext | undefined;
  };
}

/** Text that `inspect()` returns for a pointer. */
const ADDRESS = /^\[External: \w+\]$/;

/** Returns our data, or `undefined` if a hook of the user has upgraded the socket. */
function dataOf({ onepeer }: UwsSocket): SocketData<UwsSocket> | undefined {
  return onepeer instanceof SocketData ? onepeer : undefined;
}

function onMessage(native: UwsSocket, message: ArrayBuffer, isBinary: boolean): void {
  const data = dataOf(native);
  if (!data) return;
  data.received++;
  // uWebSockets.js detaches the buffer when this function returns.
  const payload = isBinary ? copyOut(message) : Buffer.from(message).toString();
  data.socket.received(payload, message.byteLength);
}

/**
 * Copies a message. A small message goes to the pool of `Buffer`, which saves 0.4 µs for 1 KiB on
 * Node 20.
 */
function copyOut(message: ArrayBuffer): Uint8Array<ArrayBuffer> {
  const { byteLength } = message;
  const isSmall = byteLength > 0 && byteLength < Buffer.poolSize >>> 1;
  if (!isSmall) return new Uint8Array(message.slice(0));
  const { buffer, byteOffset } = Buffer.from(new Uint8Array(message));
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function onControl(native: UwsSocket, kind: ControlKind, message: ArrayBuffer): void {
  const data = dataOf(native);
  if (!data) return;
  data.received++;
  // uWebSockets.js detaches the buffer when this function returns.
  data.socket.controlled(kind, new Uint8Array(message.slice(0)));
}

function onClose(native: UwsSocket, code: number, message: ArrayBuffer): void {
  const data = dataOf(native);
  if (data) reportClose(data.socket, code, decoder.decode(message));
}
