/** A bug that is planted on purpose, to check that the tests detect it. */
export interface Fault {
  readonly id: string;
  /** Path of the broken file from the root of the repository. */
  readonly file: string;
  /** Wrong behaviour, as a sentence. */
  readonly what: string;
  /** Code to replace, which the file has exactly once. */
  readonly find: string;
  /** Broken code. */
  readonly replace: string;
  /** Checks that must detect the fault, the quickest first. */
  readonly caughtBy: readonly Check[];
}

/**
 * A part of the tests. `unit hub` is `hub_test.ts` in any folder of `tests/unit/`, and `test server`
 * is `tests/server_test.ts`. `deno P2.` is the cases on Deno whose ids begin with `P2.`.
 * Without a second word, all tests or cases run.
 */
export type Check = `${"unit" | "test" | RuntimeName}${"" | ` ${string}`}`;

/** Runtimes on which the tests must detect faults. */
export type RuntimeName = "deno" | "node24" | "ws" | "uws" | "uws24" | "bun" | "worker";

/** A parsed check. */
export interface CheckParts {
  readonly kind: "unit" | "test" | "contract";
  /** Runtime of a check of the contract. */
  readonly runtime?: RuntimeName;
  /** Name of the part; `""` for all. */
  readonly part: string;
}

export function partsOf(check: Check): CheckParts {
  const [first, part = ""] = check.split(" ") as [string, string?];
  if (first === "unit" || first === "test") return { kind: first, part };
  return { kind: "contract", runtime: first as RuntimeName, part };
}

/**
 * Returns the file or folder of a check from the root of the repository; `undefined` if it does not
 * exist.
 */
export function pathOf(check: Check, root: URL): string | undefined {
  const { kind, part } = partsOf(check);
  const folder = kind === "unit" ? "tests/unit" : "tests";
  if (!part) return folder;
  return find(folder, `${part}_test.ts`, root, kind === "unit");
}

function find(folder: string, file: string, root: URL, below: boolean): string | undefined {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, root))) {
    if (name === file) return `${folder}/${name}`;
    const found = isDirectory && below ? find(`${folder}/${name}`, file, root, below) : undefined;
    if (found) return found;
  }
  return undefined;
}

const SHIMS: Readonly<Record<string, readonly RuntimeName[]>> = {
  "shims/node/framed_socket.ts": ["node24"],
  "shims/node/frame_parser.ts": ["node24"],
  "shims/node/masking.ts": ["node24"],
  "shims/node/growing_buffer.ts": ["node24"],
  "shims/node/frame_batch.ts": ["node24", "ws"],
  "shims/node/batched_writer.ts": ["node24", "ws"],
  "shims/node/node_response.ts": ["node24"],
  "shims/node/shared_deflate.ts": ["ws", "node24"],
  "shims/node/ws_socket.ts": ["ws", "node24"],
  "shims/node/ws_upgrader.ts": ["ws", "node24"],
  "shims/uws/topic_space.ts": ["uws", "bun"],
  "shims/uws/uwebsockets.ts": ["uws", "uws24", "bun"],
  "shims/uws/uws_handshake.ts": ["uws"],
  "shims/uws/uws_response.ts": ["uws"],
  "pubsub/native_broadcast.ts": ["uws", "bun"],
  "shims/uws/socket_data.ts": ["uws", "bun"],
  "adapters/deno.ts": ["deno"],
  "adapters/node.ts": ["node24", "ws"],
  "adapters/uws.ts": ["uws", "uws24"],
  "adapters/bun.ts": ["bun"],
  "adapters/cloudflare/isolate_endpoint.ts": ["worker"],
  "shims/workerd/context_timers.ts": ["worker"],
  "shims/workerd/request_context.ts": ["worker"],
  "shims/workerd/remote_socket.ts": ["worker"],
};

/**
 * Returns the checks to run if none of `caughtBy` detects a fault, before it counts as a survivor.
 */
export function wideChecks({ file, caughtBy }: Pick<Fault, "file" | "caughtBy">): Check[] {
  const named = caughtBy.map(partsOf);
  const runtimes = new Set([
    ...SHIMS[file] ?? ["deno", "node24"] as const,
    ...named.flatMap(({ runtime }) => runtime ?? []),
  ]);
  const tests = named.some(({ kind }) => kind === "test") ? ["test server" as const] : [];
  return ["unit", ...runtimes, ...tests];
}
