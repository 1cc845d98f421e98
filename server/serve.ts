import type { Adapter, AdapterOptions } from "../endpoint/adapter.ts";
import type { CloseOptions } from "../endpoint/endpoint.ts";
import type { AnyContext } from "../handshake/handshake.ts";
import { getWebSocketHooks } from "../endpoint/framework_hooks.ts";
import { type Awaitable, HOOK_NAMES, type Hooks, type ResolveHooks } from "../endpoint/hooks.ts";

/** Hooks and options in one object: `{ open, message, limits, … }`. */
export type WebSocketOptions<Context extends object = AnyContext> =
  & Partial<Hooks<Context>>
  & AdapterOptions<Context>
  & {
    /** More options for the adapter of one runtime. */
    readonly options?: Readonly<Partial<Record<RuntimeName, object>>>;
  };

/** Runtimes that have a server here. */
export type RuntimeName = "deno" | "node" | "bun";

/**
 * What an application may answer a WebSocket request with: a response, which refuses the client,
 * or hooks for it, as h3's `defineWebSocketHandler` returns them.
 */
export type Answer = Response | (object & { readonly crossws?: Partial<Hooks> });

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
  /**
   * Answers plain HTTP requests; and WebSocket requests too, where `websocket` has neither hooks
   * nor `resolve`: by a response that refuses, or with hooks for the client, on the request
   * (`setWebSocketHooks`) or on the response as its `crossws`. Default: 404.
   */
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

/**
 * Sorts the hooks out of `websocket`. Without any, the application is asked for them.
 *
 * @throws {TypeError} where hooks stand in `hooks` and beside it.
 */
export function websocketOptions<Context extends object>(
  runtime: RuntimeName,
  serveOptions: Pick<ServeOptions<Context>, "websocket" | "fetch">,
): AdapterOptions<Context> {
  const unknown = Object.keys(serveOptions).find((name) => !OPTIONS.includes(name));
  if (unknown) {
    throw new TypeError(
      `Cannot use ${unknown} as there is no such option: known are ${
        OPTIONS.join(", ")
      }; hooks and limits belong into websocket`,
    );
  }
  const { websocket = {}, fetch = notFound } = serveOptions;
  const own: readonly string[] = [...HOOK_NAMES, "options"];
  const given: AdapterOptions<Context> = {
    ...Object.fromEntries(Object.entries(websocket).filter(([name]) => !own.includes(name))),
    ...websocket.options?.[runtime],
  };
  const flat = HOOK_NAMES.find((name) => websocket[name] !== undefined);
  if (flat && given.hooks) {
    throw new TypeError(
      `Cannot use websocket.${flat} together with websocket.hooks: write all hooks in one place`,
    );
  }
  if (flat) return { ...given, hooks: hooksIn(websocket) };
  if (given.hooks || given.resolve || given.endpoint) return given;
  return { ...given, resolve: askApplication(fetch) as unknown as ResolveHooks<Context> };
}

/** The hooks among other options; in them, `this` stays what it is. */
function hooksIn<Context extends object>(websocket: Partial<Hooks<Context>>) {
  return Object.fromEntries(HOOK_NAMES.flatMap((name) => {
    const hook: unknown = websocket[name];
    if (hook === undefined) return [];
    return [[name, typeof hook === "function" ? hook.bind(websocket) : hook]];
  })) as Partial<Hooks<Context>>;
}

/** An application that serves nothing. */
export function notFound(): Response {
  return new Response("Not found\n", { status: 404 });
}

/** Gets the hooks of a connection from the application that answers its request. */
function askApplication(fetch: (request: Request) => Awaitable<Answer>): ResolveHooks {
  return async (request) => {
    const answer = await fetch(request);
    const hooks = getWebSocketHooks(request) ?? (answer as { crossws?: Partial<Hooks> }).crossws;
    if (!hooks && answer instanceof Response) throw answer;
    return hooks;
  };
}

/** Whether a request asks for a WebSocket. */
export function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** The part of a server of `srvx` that a plugin uses. */
export interface HttpServer {
  /** Read once the plugins have run. */
  readonly options: {
    /** Run before `fetch`, the first one first. */
    readonly middleware: ((
      request: Request,
      next: () => Response | Promise<Response>,
    ) => Response | Promise<Response>)[];
    /** Options for `Bun.serve`. */
    bun?: object;
  };
  /** On Node, its own server; there once the plugins have run. */
  readonly node?: { readonly server?: { on(event: "upgrade", listener: never): unknown } };
  /** Middleware and application. */
  readonly fetch: (request: never) => Response | Promise<Response>;
}

/** A plugin for `srvx`: `serve({ fetch, plugins: [plugin(…)] })`. */
export type HttpServerPlugin = (server: HttpServer) => void;

/** Lets an adapter answer the WebSocket requests of a server; the application is asked as ever. */
export class UpgradeMiddleware {
  readonly #server: HttpServer;
  readonly #asked = new WeakSet<Request>();

  constructor(server: HttpServer) {
    this.#server = server;
  }

  /** What the application answers to a WebSocket request. */
  readonly fetch = (request: Request): Awaitable<Response> => {
    this.#asked.add(request);
    return this.#server.fetch(request as never);
  };

  /** Hands WebSocket requests over. */
  install(handleUpgrade: (request: Request) => Promise<Response | undefined>): void {
    this.#server.options.middleware.unshift((request, next) =>
      isUpgrade(request) && !this.#asked.has(request)
        // On Bun there is no response once the line is upgraded.
        ? handleUpgrade(request) as Promise<Response>
        : next()
    );
  }
}

/** What listens, on whatever runtime. */
export interface Listener {
  readonly port: number;
  stop(): unknown;
}

/** The same server on every runtime, over what `listen` starts. */
export function startServer<Ws extends Adapter>(
  ws: Ws,
  { port = 3000, hostname = "0.0.0.0", tls }: Pick<ServeOptions, "port" | "hostname" | "tls">,
  listen: (address: { port: number; hostname: string }) => Awaitable<Listener>,
): Server<Ws> {
  let listener: Listener | undefined;
  // Where nobody asks `ready()`, a failure to listen is an unhandled rejection, which ends the
  // process with the error.
  const listening = (async () => {
    listener = await listen({ port, hostname });
  })();
  return {
    ws,
    get url() {
      return urlOf(tls !== undefined, hostname, listener?.port ?? port);
    },
    ready: () => listening,
    // Peers first, then the listener; nothing to stop where it never listened.
    async close(options) {
      await ws.close(options);
      await listening.catch(() => {});
      await listener?.stop();
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

/** What a client on this machine dials. */
function urlOf(secure: boolean, hostname: string, port: number): string {
  const wildcard = hostname === "0.0.0.0" || hostname === "::" || hostname === "";
  const host = wildcard ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${secure ? "https" : "http"}://${host}:${port}/`;
}
