/** A bug that is planted on purpose, to see that the tests would notice. */
export interface Fault {
  readonly id: string;
  /** Where it is planted, from the root of the repository. */
  readonly file: string;
  /** What is broken by it, as a sentence. */
  readonly what: string;
  /** Code that the file has exactly once. */
  readonly find: string;
  /** What stands there instead. */
  readonly replace: string;
  /** What should notice, the quickest first. */
  readonly caughtBy: readonly Check[];
}

/**
 * A part of the tests: `unit hub` for `tests/unit/hub_test.ts`, `test server` for
 * `tests/server_test.ts`, `deno P2.` for the cases of the contract that begin so, on that runtime;
 * without a second word all of them.
 */
export type Check = `${"unit" | "test" | RuntimeName}${"" | ` ${string}`}`;

/** Runtimes on which faults are looked for. */
export type RuntimeName = "deno" | "node24" | "ws" | "uws" | "bun" | "worker";

/** A check, taken apart. */
export interface CheckParts {
  readonly kind: "unit" | "test" | "contract";
  /** Of the contract. */
  readonly runtime?: RuntimeName;
  /** Which part; `""` for all. */
  readonly part: string;
}

export function partsOf(check: Check): CheckParts {
  const [first, part = ""] = check.split(" ") as [string, string?];
  if (first === "unit" || first === "test") return { kind: first, part };
  return { kind: "contract", runtime: first as RuntimeName, part };
}

const SHIMS: Readonly<Record<string, readonly RuntimeName[]>> = {
  "shims/framed_socket.ts": ["node24"],
  "shims/frame_parser.ts": ["node24"],
  "shims/masking.ts": ["node24"],
  "shims/growing_buffer.ts": ["node24"],
  "shims/frame_run.ts": ["node24", "ws"],
  "shims/node_line.ts": ["node24", "ws"],
  "shims/node_response.ts": ["node24"],
  "shims/shared_deflate.ts": ["ws", "node24"],
  "shims/ws_socket.ts": ["ws", "node24"],
  "shims/topic_space.ts": ["uws", "bun"],
  "shims/uwebsockets.ts": ["uws", "bun"],
  "broadcast.ts": ["uws", "bun"],
  "link.ts": ["uws", "bun"],
  "adapters/deno.ts": ["deno"],
  "adapters/node.ts": ["node24", "ws"],
  "adapters/uws.ts": ["uws"],
  "adapters/bun.ts": ["bun"],
  "isolate_room.ts": ["worker"],
  "shims/context_timers.ts": ["worker"],
  "shims/request_context.ts": ["worker"],
  "shims/worker_line.ts": ["worker"],
};

/** What is tried where nothing in `caughtBy` notices, before a fault is called a survivor. */
export function wideChecks({ file, caughtBy }: Pick<Fault, "file" | "caughtBy">): Check[] {
  const named = caughtBy.map(partsOf);
  const runtimes = new Set([
    ...SHIMS[file] ?? ["deno", "node24"] as const,
    ...named.flatMap(({ runtime }) => runtime ?? []),
  ]);
  const tests = named.some(({ kind }) => kind === "test") ? ["test server" as const] : [];
  return ["unit", ...runtimes, ...tests];
}
