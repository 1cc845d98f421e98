import { constants } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import { type ServerOptions, WebSocketServer } from "ws";
import { acceptableOffers } from "../../handshake/deflate_offers.ts";
import { listElements } from "../../handshake/handshake.ts";
import type { CallbackSocket } from "../../socket/callback_socket.ts";
import { type DeflateOptions, isShareable, SharedDeflate } from "./shared_deflate.ts";
import { adopt, type WsAnswer, type WsLimits, type WsSocket } from "./ws_socket.ts";

/** Options of a {@linkcode WsUpgrader}. */
export interface WsUpgraderOptions extends WsLimits {
  readonly wss: object | undefined;
  readonly serverOptions: object | undefined;
  readonly perMessageDeflate: boolean | object | undefined;
}

/** Most compressors to keep: one for the adapter's options, and some that `upgrade` hooks return. */
const MAX_DEFLATES = 64;

/** A number of pings that no chunk exceeds: a chunk of 64 KiB holds fewer. */
const PINGS_PER_CHUNK = 16_384;

/** Upgrades connections by a `WebSocketServer` of `ws`: its own server, or the user's server. */
export class WsUpgrader {
  readonly #server: WebSocketServer;
  /** Options of {@linkcode WsUpgrader.#server} during an upgrade. */
  readonly #serverOptions: ServerOptions;
  /** Limits in {@linkcode WsUpgrader.#serverOptions}. */
  readonly #limits: WsLimits;
  /** Response that `ws` is writing. The callbacks of `ws` run inside `handleUpgrade`. */
  #current: WsAnswer | undefined;
  /** Response header line with the negotiated extensions. */
  #extensions = "";
  /** Compressors by their options. */
  readonly #deflates = new Map<string, SharedDeflate>();

  /** @throws {TypeError} for a `verifyClient` with a callback. */
  constructor(options: WsUpgraderOptions) {
    const { wss, serverOptions = {} } = options;
    const perMessageDeflate = options.perMessageDeflate ??
      (serverOptions as WsUpgraderOptions).perMessageDeflate;
    this.#server = wss as WebSocketServer | undefined ??
      new WebSocketServer({ clientTracking: false, ...withoutListening(serverOptions) });
    const { handleProtocols, verifyClient } = this.#server.options;
    this.#limits = options;
    this.#serverOptions = {
      ...this.#server.options,
      ...limitsOf(options),
      skipUTF8Validation: false,
      ...(perMessageDeflate === undefined ? {} : { perMessageDeflate: sharing(perMessageDeflate) }),
      handleProtocols: (offered, request) =>
        this.#current?.protocol || (handleProtocols?.(offered, request) ?? false),
      // @types/ws 8.18 lacks these options. `ws` 8.23 counts pongs as pending even within one chunk.
      ...{
        maxPendingAutoPongs: PINGS_PER_CHUNK,
        ...partLimits(this.#server.options),
      },
    };
    if (verifyClient && verifyClient.length > 1) {
      throw new TypeError(
        "Cannot use a verifyClient with a callback: refuse clients in the upgrade hook",
      );
    }
    this.#server.on("headers", (lines) => {
      this.#extensions = lines.find((line) => line.startsWith(EXTENSIONS)) ?? "";
      for (const [name, value] of this.#current?.headers ?? []) lines.push(`${name}: ${value}`);
    });
  }

  /**
   * Answers a handshake, and passes the socket to `use` before the socket opens. Returns false if no
   * socket was created: `ws` itself has refused the client, or the connection has ended already.
   */
  upgrade(
    request: IncomingMessage,
    stream: Duplex,
    head: Uint8Array,
    answer: WsAnswer,
    use: (socket: CallbackSocket<WsSocket>) => void,
  ): boolean {
    let upgraded: WsSocket | undefined;
    const server = this.#server, { options } = server;
    this.#current = answer;
    // `ws` requires exactly this value. The validated header may be a list (RFC 9110 §7.8).
    const { headers } = request;
    headers.upgrade = "websocket";
    // `ws` 8 refuses empty elements of this list.
    const protocols = listElements(headers["sec-websocket-protocol"] ?? null);
    setList(headers, "sec-websocket-protocol", protocols);
    server.options = this.#optionsFor(answer);
    // `ws` 8 refuses the whole handshake if it can accept none of the offers.
    const offers = headers["sec-websocket-extensions"] ?? null;
    const acceptable = acceptableOffers(offers, server.options.perMessageDeflate);
    setList(headers, "sec-websocket-extensions", acceptable);
    // `ws` types `head` as a Buffer, and reads it as bytes.
    try {
      server.handleUpgrade(request, stream, head as Buffer, (native: WsSocket) => {
        upgraded = native;
        use(adopt(native, stream, answer.wants, this.#sharedDeflate()));
      });
    } finally {
      server.options = options;
      this.#current = undefined;
    }
    if (upgraded) server.emit("connection", upgraded, request);
    return upgraded !== undefined;
  }

  /** Returns the options of the server for one connection. */
  #optionsFor({ perMessageDeflate, limits }: WsAnswer): ServerOptions {
    const { maxPayload, closeTimeout } = this.#limits;
    const isUsual = limits.maxPayload === maxPayload && limits.closeTimeout === closeTimeout;
    if (isUsual && perMessageDeflate === undefined) return this.#serverOptions;
    return {
      ...this.#serverOptions,
      ...limitsOf(limits),
      ...(perMessageDeflate === undefined ? {} : { perMessageDeflate: sharing(perMessageDeflate) }),
    };
  }

  /** Returns the compressor for the negotiated extension, or `undefined` if it cannot be shared. */
  #sharedDeflate(): SharedDeflate | undefined {
    if (!isShareable(this.#extensions)) return undefined;
    const { threshold, zlibDeflateOptions } = this.#server.options
      .perMessageDeflate as DeflateOptions;
    const key = JSON.stringify([threshold, zlibDeflateOptions]);
    let deflate = this.#deflates.get(key);
    if (!deflate) {
      if (this.#deflates.size >= MAX_DEFLATES) this.#deflates.clear();
      this.#deflates.set(key, deflate = new SharedDeflate({ threshold, zlibDeflateOptions }));
    }
    return deflate;
  }
}

/** Start of the response header line with the extensions, as `ws` writes it. */
const EXTENSIONS = "Sec-WebSocket-Extensions:";

/** Limits of `ws` 8.23 by default. */
const PART_LIMITS = { maxFragments: 16 * 1024, maxBufferedChunks: 256 * 1024 };

/**
 * Limits for the parts of a message: only those that the user has changed, as `receiveChunk` joins
 * small parts.
 */
function partLimits(
  { maxFragments = 0, maxBufferedChunks = 0 }: ServerOptions,
): Readonly<Record<keyof typeof PART_LIMITS, number>> {
  return {
    maxFragments: maxFragments === PART_LIMITS.maxFragments ? 0 : maxFragments,
    maxBufferedChunks: maxBufferedChunks === PART_LIMITS.maxBufferedChunks ? 0 : maxBufferedChunks,
  };
}

/** Returns limits as options of `ws`: `closeTimeout` is the time for the client to end the connection. */
function limitsOf({ maxPayload, closeTimeout }: WsLimits): WsLimits {
  return { maxPayload: Math.min(maxPayload, constants.MAX_STRING_LENGTH), closeTimeout };
}

/** Options of compression. By default each message is compressed by itself. */
function sharing(perMessageDeflate: boolean | object): boolean | object {
  if (!perMessageDeflate) return false;
  return { serverNoContextTakeover: true, ...(perMessageDeflate as object) };
}

/** Sets a list header of a request, or deletes the header if the list is empty. */
function setList(
  headers: IncomingMessage["headers"],
  name: "sec-websocket-protocol" | "sec-websocket-extensions",
  list: readonly string[],
): void {
  if (list.length > 0) headers[name] = list.join();
  else delete headers[name];
}

/** Options of a `WebSocketServer` that does not listen itself. */
function withoutListening(
  { port: _port, host: _host, server: _server, backlog: _backlog, ...options }: ServerOptions,
): ServerOptions {
  return { ...options, noServer: true };
}
