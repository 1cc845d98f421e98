import type { PgClient, PostgresJsClient, Session, SessionHost, SessionSource } from "./clients.ts";
import { PgSession } from "./pg_session.ts";
import { PostgresJsNames } from "./postgres_js_names.ts";
import { PostgresJsSession } from "./postgres_js_session.ts";

/** Package that is loaded for a URL, and its name for Deno. */
const PACKAGES = ["pg", "npm:pg@8"];
const PG_METHODS = ["query", "on", "off", "end", "listenerCount"];

/** Returns a source of sessions. Each session has a new client of `connect`. */
export function connectSource(connect: () => unknown): SessionSource {
  return {
    async session(host: SessionHost): Promise<Session> {
      const client = await connect();
      checkPg("the result of connect", client);
      return new PgSession(client, true, host);
    },
  };
}

/** Returns a source of sessions. Each session has a new client of `pg` for an address. */
export function urlSource(url: string): SessionSource {
  return connectSource(async () => {
    const { Client } = await loadPg();
    return new Client({ connectionString: url });
  });
}

/**
 * Returns a function that makes a source of sessions over the client of the user.
 *
 * @param connector library of the client, if the caller has named it.
 * @throws {TypeError} for a value that is not a client of `pg` or postgres.js.
 */
export function clientSource(client: unknown, connector?: unknown): () => SessionSource {
  const isPostgresJs = connector === undefined
    ? methodsMissingIn(client, ["listen"]).length === 0
    : connector === "postgres.js";
  if (!isPostgresJs) {
    checkPg("client", client);
    return () => givenPgSource(client);
  }
  checkMethods("client", client, ["unsafe", "listen"], "a client of postgres.js");
  return () => postgresJsSource(client as unknown as PostgresJsClient);
}

function postgresJsSource(client: PostgresJsClient): SessionSource {
  const names = new PostgresJsNames(client);
  return {
    session: (host) => Promise.resolve(new PostgresJsSession(client, names, host)),
    close: () => void names.clear(),
  };
}

/** Uses the client itself first. Later sessions have a new client with the same parameters. */
function givenPgSource(given: PgClient): SessionSource {
  const again = connectSource(() => sameClient(given));
  let isFirst = true;
  return {
    session(host: SessionHost): Promise<Session> {
      // Not a client that another endpoint uses: an UNLISTEN of one endpoint would stop both.
      const isFree = isFirst && given.listenerCount("notification") === 0;
      isFirst = false;
      return isFree ? Promise.resolve(new PgSession(given, false, host)) : again.session(host);
    },
  };
}

/** Returns a new client with the parameters of another. A client of pg connects only once. */
function sameClient(client: PgClient): unknown {
  const { constructor, connectionParameters } = client as unknown as {
    readonly constructor: new (parameters: unknown) => unknown;
    readonly connectionParameters: unknown;
  };
  if (connectionParameters === undefined) {
    throw new Error(
      "Cannot connect again as the client does not show its parameters: pass connect",
    );
  }
  return new constructor(connectionParameters);
}

function checkPg(name: string, client: unknown): asserts client is PgClient {
  if (typeof client === "object" && client !== null && "totalCount" in client) {
    throw new TypeError(
      `Cannot use ${name} as it must be a Client of pg: found a Pool, whose connections change, and ` +
        "notifications come only to the connection that listens",
    );
  }
  checkMethods(name, client, PG_METHODS, "a Client of pg");
}

function checkMethods(
  name: string,
  client: unknown,
  methods: readonly string[],
  wanted: string,
): void {
  const isObject = (typeof client === "object" && client !== null) || typeof client === "function";
  const [missing] = methodsMissingIn(client, methods);
  if (isObject && missing === undefined) return;
  // A text is not shown, as it may be an address with a password.
  const other = client === null ? "null" : typeof client;
  const found = isObject ? `an object without ${missing}()` : other;
  throw new TypeError(`Cannot use ${name} as it must be ${wanted}: found ${found}`);
}

function methodsMissingIn(client: unknown, methods: readonly string[]): readonly string[] {
  const object = client as Readonly<Record<string, unknown>> | null | undefined;
  return methods.filter((name) => typeof object?.[name] !== "function");
}

/**
 * Loads `pg`.
 *
 * @throws {Error} with the command that installs the package.
 */
async function loadPg(): Promise<{ readonly Client: new (options: object) => unknown }> {
  let cause: unknown;
  for (const name of PACKAGES) {
    try {
      // Not a literal: the package is optional, so neither bundlers nor JSR may look for it.
      const module = await import(name);
      return module.default ?? module;
    } catch (error) {
      cause ??= error;
    }
  }
  throw new Error(
    "Cannot connect to PostgreSQL by URL as the package pg cannot be loaded: " +
      "run `npm install pg`, or pass connect",
    { cause },
  );
}
