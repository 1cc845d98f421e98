import { type Adapter, ADAPTER_OPTIONS, type AdapterOptions } from "../endpoint/adapter.ts";
import type { CloseOptions } from "../endpoint/call_options.ts";
import {
  type AnyContext,
  isWebSocketUpgrade,
  type Refusal,
  refusalResponse,
} from "../handshake/handshake.ts";
import { invalidOption, logError } from "../common/errors.ts";
import { checkNames, givenOptions } from "../common/option_names.ts";
import { checkHooks } from "../endpoint/options.ts";
import { getWebSocketHooks } from "../endpoint/framework_hooks.ts";
import type { ServerInfo } from "../adapters/sse.ts";
import { checkListenOptions, type ListenAddress, type ListenOptions } from "./listen_options.ts";
import { type Listener, stopWithin } from "./shutdown.ts";
import { type Awaitable, HOOK_NAMES, type Hooks, type ResolveHooks } from "../endpoint/hooks.ts";

/** Hooks and options in one object: `{ open, message, limits, … }`. */
export type WebSocketOptions<Context extends object = AnyContext> =
  & Partial<Hooks<Context>>
  & AdapterOptions<Context>
  & {
    /** Further options for the adapter, by runtime. */
    readonly options?: Readonly<Partial<Record<RuntimeName, object>>>;
  };

/** Runtimes with a `serve` in this package. */
export type RuntimeName = "deno" | "node" | "bun";

/**
 * Result of an application's `fetch` for a WebSocket request. A response refuses the client. An
 * object with `crossws`, as h3's `defineWebSocketHandler` returns, holds the hooks for the client.
 */
export type Answer = Response | (object & { readonly crossws?: Partial<Hooks> });

/** Options of `serve` that mean the same on every runtime. */
export interface ServeOptions<Context extends object = AnyContext> extends ListenOptions {
  /**
   * Handles plain HTTP requests. Default: a 404 response. `info` is the second argument of the
   * runtime's own handler: Deno's info, or Bun's server. `request.runtime` also has this object.
   *
   * If `websocket` has no hooks, `resolve` or `endpoint`, WebSocket requests go to `fetch` too. To
   * accept a client, set hooks with `setWebSocketHooks(request, hooks)` or return a response with a
   * `crossws` property. A response without hooks refuses the client.
   */
  readonly fetch?: (request: Request, info?: ServerInfo) => Awaitable<Response>;
  /** Hooks, limits and other options for WebSocket requests on every path. */
  readonly websocket?: WebSocketOptions<Context>;
}

/** A server that is listening. */
export interface Server<Ws extends Adapter = Adapter> extends AsyncDisposable {
  /** URL for a client on the same machine: `http://localhost:3000/`. */
  readonly url: string;
  /** The adapter, for `publish`, `peers` and `stats`. */
  readonly ws: Ws;
  /** Resolves after the server has started to listen. Rejects if the server cannot listen. */
  ready(): Promise<void>;
  /**
   * Closes the peers (see `Endpoint.close`), then stops listening. Resolves within `timeout` and one
   * second more: connections that clients keep open are cut.
   */
  close(options?: CloseOptions): Promise<void>;
}

const OPTIONS = ["port", "hostname", "fetch", "tls", "websocket"];
/** Options that only the adapter for one runtime has. */
const OWN_OPTIONS: Readonly<Partial<Record<RuntimeName, readonly string[]>>> = {
  node: ["wss", "serverOptions"],
};
/** Names in `websocket.options`. `serve` reads the first three, other packages read the others too. */
const RUNTIMES = ["deno", "node", "bun", "uws", "cloudflare", "sse"];

/**
 * Checks that the current runtime is the runtime of the imported module.
 *
 * @throws {Error} on another runtime.
 */
export function mustRunOn(runtime: string, isThere: boolean): void {
  if (isThere) return;
  throw new Error(
    `Cannot serve as this runtime is not ${runtime}: the entry "server" detects the runtime`,
  );
}

/**
 * Separates the hooks in `websocket` from the adapter options. If `websocket` has no hooks, the
 * application's `fetch` provides them.
 *
 * @throws {TypeError} if there are hooks both in `websocket.hooks` and directly in `websocket`.
 */
export function websocketOptions<Context extends object>(
  runtime: RuntimeName,
  serveOptions: Pick<ServeOptions<Context>, "websocket" | "fetch">,
): AdapterOptions<Context> {
  checkNames(serveOptions, OPTIONS, { advice: "; hooks and limits belong in websocket" });
  const { websocket = {}, fetch = notFound } = serveOptions;
  if (typeof fetch !== "function") {
    throw new TypeError(invalidOption("fetch", "a function", fetch));
  }
  const known = [...ADAPTER_OPTIONS, ...OWN_OPTIONS[runtime] ?? []];
  checkNames(websocket, [...HOOK_NAMES, "options", ...known], {
    kind: "hook or option",
    path: "websocket.",
  });
  checkHooks("websocket", websocket);
  checkHooks("websocket.hooks", websocket.hooks ?? {});
  const { options: byRuntime = {} } = websocket;
  checkNames(byRuntime, RUNTIMES, { kind: "runtime", path: "websocket.options." });
  checkNames(byRuntime[runtime] ?? {}, known, { path: `websocket.options.${runtime}.` });
  const own: readonly string[] = [...HOOK_NAMES, "options"];
  const given: AdapterOptions<Context> = {
    ...Object.fromEntries(Object.entries(websocket).filter(([name]) => !own.includes(name))),
    ...givenOptions(byRuntime[runtime] ?? {}),
  };
  const flat = HOOK_NAMES.find((name) => websocket[name] !== undefined);
  if (flat && given.hooks) {
    throw new TypeError(
      `Cannot use websocket.${flat} together with websocket.hooks: write all hooks in one place`,
    );
  }
  if (flat) return { ...given, hooks: hooksIn(websocket) };
  if (given.hooks || given.resolve || given.endpoint) return given;
  return { ...given, resolve: hooksFromFetch(fetch) as unknown as ResolveHooks<Context> };
}

/** Returns the hooks among other options, bound to the caller's `websocket` object. */
function hooksIn<Context extends object>(websocket: Partial<Hooks<Context>>) {
  return Object.fromEntries(HOOK_NAMES.flatMap((name) => {
    const hook: unknown = websocket[name];
    if (hook === undefined) return [];
    return [[name, typeof hook === "function" ? hook.bind(websocket) : hook]];
  })) as Partial<Hooks<Context>>;
}

/** Default application: answers every request with 404. */
export function notFound(): Response {
  return new Response("Not found\n", { status: 404 });
}

const STRIPPED: Refusal = {
  status: 426,
  message:
    "This WebSocket handshake lacks `Connection: Upgrade` or `Upgrade: websocket`: a proxy before the server must forward both headers",
  headers: { upgrade: "websocket" },
};

/**
 * Wraps `fetch`, to refuse WebSocket handshakes that a proxy has turned into plain requests. nginx
 * forwards no `Upgrade` header by default, and the application's page would hide the reason.
 */
export function refusingStripped<Rest extends unknown[]>(
  fetch: (request: Request, ...rest: Rest) => Awaitable<Response>,
): (request: Request, ...rest: Rest) => Awaitable<Response> {
  return (request, ...rest) =>
    request.headers.has("sec-websocket-key") ? refusalResponse(STRIPPED) : fetch(request, ...rest);
}

/** Stores objects of the runtime on a request, as srvx does. `SSEAdapter.fetch` reads these. */
export function withRuntime(request: Request, runtime: object): Request {
  return Object.defineProperty(request, "runtime", { value: runtime, configurable: true });
}

/** Reports an error that `fetch` has thrown. The client gets no details. */
export function failed(error: unknown): Response {
  logError("fetch failed", error);
  return new Response("Internal Server Error\n", { status: 500 });
}

/** Makes a `resolve` that takes the hooks of a connection from the application's answer. */
function hooksFromFetch(fetch: (request: Request) => Awaitable<Answer>): ResolveHooks {
  return async (request) => {
    const answer = await fetch(request);
    const hooks = getWebSocketHooks(request) ?? (answer as { crossws?: Partial<Hooks> }).crossws;
    if (!hooks && answer instanceof Response) throw answer;
    return hooks;
  };
}

/** Whether a request asks for a WebSocket. */
export function isUpgrade(request: Request): boolean {
  return isWebSocketUpgrade(request.headers.get("upgrade"));
}

/** The part of an srvx server that a plugin uses. */
export interface HttpServer {
  /** Options that srvx reads after the plugins have run. */
  readonly options: {
    /** Handlers that run before `fetch`, in the order of the array. */
    readonly middleware: ((
      request: Request,
      next: () => Response | Promise<Response>,
    ) => Response | Promise<Response>)[];
    /** Options for `Bun.serve`. */
    bun?: object;
  };
  /** On Node: holds the Node server after the plugins have run. */
  readonly node?: { readonly server?: { on(event: "upgrade", listener: never): unknown } };
  /** Runs the middleware, then the application. */
  readonly fetch: (request: never) => Response | Promise<Response>;
}

/** A plugin for `srvx`: `serve({ fetch, plugins: [plugin(…)] })`. */
export type HttpServerPlugin = (server: HttpServer) => void;

/** Routes a server's WebSocket requests to an adapter. The application gets all others. */
export class UpgradeMiddleware {
  readonly #server: HttpServer;
  readonly #forwarded = new WeakSet<Request>();

  constructor(server: HttpServer) {
    this.#server = server;
  }

  /** Returns the application's answer to a WebSocket request. */
  readonly fetch = (request: Request): Awaitable<Response> => {
    this.#forwarded.add(request);
    return this.#server.fetch(request as never);
  };

  /** Adds the middleware that refuses what {@linkcode refusingStripped} refuses. */
  refuseStripped(): void {
    const refuse = refusingStripped((_, next: () => Awaitable<Response>) => next());
    this.#server.options.middleware.unshift((request, next) =>
      this.#forwarded.has(request) ? next() : refuse(request, next)
    );
  }

  /** Adds the middleware that passes WebSocket requests to the adapter. */
  install(handleUpgrade: (request: Request) => Promise<Response | undefined>): void {
    this.refuseStripped();
    this.#server.options.middleware.unshift((request, next) =>
      isUpgrade(request) && !this.#forwarded.has(request)
        // On Bun there is no response after the upgrade.
        ? handleUpgrade(request) as Promise<Response>
        : next()
    );
  }
}

/** Creates the runtime-independent `Server` over the listener that `listen` starts. */
export function startServer<Ws extends Adapter>(
  ws: Ws,
  options: ListenOptions,
  listen: (address: ListenAddress) => Awaitable<Listener>,
): Server<Ws> {
  const { port, hostname } = checkListenOptions(options);
  let listener: Listener | undefined, stopped: Promise<void> | undefined;
  // If the caller never awaits `ready()`, a failure to listen is an unhandled rejection and ends
  // the process with the error.
  const listening = (async () => {
    listener = await listen({ port, hostname });
  })();
  // Peers first, then the listener. `listener` is undefined if listening has failed.
  const close = async (options?: CloseOptions) => {
    const { timeout = 10_000 } = options ?? {}, endsAt = performance.now() + timeout;
    await ws.close(options);
    await listening.catch(() => {});
    if (listener) await (stopped ??= stopWithin(listener, endsAt - performance.now()));
  };
  return {
    ws,
    get url() {
      return urlOf(options.tls !== undefined, hostname, listener?.port ?? port);
    },
    ready: () => listening,
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** URL that a client on the same machine connects to. */
function urlOf(secure: boolean, hostname: string, port: number): string {
  const wildcard = hostname === "0.0.0.0" || hostname === "::" || hostname === "";
  const host = wildcard ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${secure ? "https" : "http"}://${host}:${port}/`;
}
