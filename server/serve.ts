import type { Adapter } from "../adapter.ts";
import type { AdapterOptions } from "../adapter.ts";
import type { CloseOptions } from "../endpoint.ts";
import type { AnyContext } from "../handshake.ts";
import type { Awaitable, Hooks } from "../hooks.ts";

/** Hooks and options in one object: `{ open, message, limits, … }`. */
export type WebSocketOptions<Context extends object = AnyContext> =
  & Partial<Hooks<Context>>
  & AdapterOptions<Context>;

/** Options of `serve` that mean the same on every runtime. */
export interface ServeOptions<Context extends object = AnyContext> {
  /**
   * Port to listen on; 0 takes a free one.
   *
   * @default 3000
   */
  readonly port?: number;
  /**
   * Address or name to listen on.
   *
   * @default "0.0.0.0"
   */
  readonly hostname?: string;
  /** Answers plain HTTP requests. Default: 404. */
  readonly fetch?: (request: Request) => Awaitable<Response>;
  /** Certificate chain and private key in PEM, for `https` and `wss`. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Hooks, limits and the other options for WebSocket requests, whatever their path. */
  readonly websocket?: WebSocketOptions<Context>;
}

/** A server that is listening. */
export interface Server<Ws extends Adapter = Adapter> extends AsyncDisposable {
  /** Where it listens, for a client on this machine: `http://localhost:3000/`. */
  readonly url: string;
  /** The adapter, for `publish`, `peers` and `stats`. */
  readonly ws: Ws;
  /** Resolves once it listens; rejects if it cannot. */
  ready(): Promise<void>;
  /** Drains the peers (see `Endpoint.close`), then stops listening. */
  close(options?: CloseOptions): Promise<void>;
}

const OPTIONS = ["port", "hostname", "fetch", "tls", "websocket"];

/**
 * Makes sure that a server's module was imported where it can run.
 *
 * @throws {Error} on another runtime.
 */
export function mustRunOn(runtime: string, isThere: boolean): void {
  if (isThere) return;
  throw new Error(
    `Cannot serve as this is not ${runtime}: the module "server" picks the runtime by itself`,
  );
}

const HOOKS = ["upgrade", "open", "message", "drain", "close", "error"] as const;

/**
 * Sorts the hooks out of `websocket`.
 *
 * @throws {TypeError} where hooks stand in `hooks` and beside it.
 */
export function websocketOptions<Context extends object>(
  options: ServeOptions<Context>,
): AdapterOptions<Context> {
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown) {
    throw new TypeError(
      `Cannot use ${unknown} as there is no such option: known are ${
        OPTIONS.join(", ")
      }; hooks and limits belong into websocket`,
    );
  }
  const { websocket = {} } = options;
  const { upgrade: _u, open: _o, message: _m, drain: _d, close: _c, error: _e, ...rest } =
    websocket;
  const flat = HOOKS.find((name) => websocket[name] !== undefined);
  if (!flat) return rest;
  if (!rest.hooks) return { ...rest, hooks: websocket };
  throw new TypeError(
    `Cannot use websocket.${flat} together with websocket.hooks: write all hooks in one place`,
  );
}

/** What a client on this machine dials. */
export function urlOf(secure: boolean, hostname: string, port: number): string {
  const wildcard = hostname === "0.0.0.0" || hostname === "::" || hostname === "";
  const host = wildcard ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${secure ? "https" : "http"}://${host}:${port}/`;
}

/** Peers first, then the listener. */
export async function closeServer(
  ws: Adapter,
  options: CloseOptions | undefined,
  stop: () => Promise<void>,
): Promise<void> {
  await ws.close(options);
  await stop();
}
