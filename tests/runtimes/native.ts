import { builtProgram } from "../harness/processes/built_program.ts";
import type { Transport } from "../harness/clients/connect_options.ts";
import { newGlibc } from "../harness/processes/new_glibc.ts";
import { pinnedBinary, versionOf } from "./versions.ts";

/** Reason why a runtime cannot pass a case. The case is run and must fail. */
export interface Gap {
  readonly reason: string;
  readonly link: string;
  /** Whether the case sometimes passes, as chance decides: it may pass without an error. */
  readonly mayPass?: boolean;
}

/** A runtime on which the contract is executed. */
export interface Runtime {
  /** Argument of `deno task conformance`. */
  readonly name: string;
  /** Column of the compatibility table. */
  readonly title: string;
  /**
   * Returns the command that runs a program, or the name of a missing tool.
   *
   * @param program program to run; by default the fixture of the runtime.
   * @param folder folder in which the program is built, if it must be.
   */
  command(program?: URL, folder?: URL): Promise<readonly string[] | { readonly missing: string }>;
  /** Gaps by the id of the case. */
  readonly gaps: Readonly<Record<string, Gap>>;
  /** Transport of the clients; WebSocket by default. */
  readonly transport?: Transport;
  /** Gap of every case that writes a WebSocket handshake, on a runtime without one. */
  readonly lineGap?: Gap;
}

const DENO_WEBSOCKET = "https://docs.deno.com/api/web/~/WebSocket";
/** Supported majors of Node. */
export const NODE_MAJORS = [20, 22, 24, 26] as const;
type NodeMajor = typeof NODE_MAJORS[number];

const noReset: Gap = {
  reason: "Deno's server socket has no terminate() and no reset, so the connection cannot be cut",
  link: "https://docs.deno.com/api/deno/~/Deno.upgradeWebSocket",
};

const noControl: Gap = {
  reason: "Deno's server socket cannot send a ping and does not show control frames",
  link: DENO_WEBSOCKET,
};

const endsUnsaid: Gap = {
  reason: "Deno ends the connection after a protocol error without a close frame",
  link: "https://github.com/denoland/fastwebsockets",
};

const noPause: Gap = {
  reason: "Deno cannot stop reading a WebSocket, so the peer is closed with 1013 instead",
  link: DENO_WEBSOCKET,
};

/** Gap of a server that resets: the client loses unread bytes (RFC 1122 §4.2.2.13). */
export const closesOverUnread = (whose: string): Gap => ({
  reason:
    `${whose} HTTP server closes a refused connection with unread bytes, so the kernel sends a RST`,
  link: "https://www.rfc-editor.org/rfc/rfc1122#page-88",
});

/** Gap of Deno's HTTP server, on both transports. */
export const keepsOpen: Gap = {
  reason: "Deno keeps a connection open after a response with `Connection: close`",
  link: "https://github.com/denoland/deno/issues/9411",
};

const UWS_SOURCE = "https://github.com/uNetworking/uWebSockets/tree/v20.30.0/src";
const UWS_TODAY = "https://github.com/uNetworking/uWebSockets/blob/master/src";
const unreported: Gap = {
  reason: "uWebSockets.js 20 reports a malformed frame as a dropped connection",
  link: UWS_SOURCE,
};

const noCloseFrame: Gap = {
  reason: "uWebSockets.js 20 ends the connection after a protocol error without a close frame",
  link: UWS_SOURCE,
};

const noRoute: Gap = {
  reason:
    "uWebSockets.js 20 passes a request without Host, or with an absolute target, to no route",
  link: UWS_SOURCE,
};

const readsOn: Gap = {
  reason:
    "uWebSockets.js 20 cannot stop reading a WebSocket, so the peer is closed with 1013 instead",
  link: UWS_SOURCE,
};

const cleanByItself: Gap = {
  reason:
    "uWebSockets, also inside Bun, reports a close by the server before the client has answered",
  link: "https://github.com/uNetworking/uWebSockets/blob/master/src/WebSocket.h",
};

/** Gaps of every version of uWebSockets.js 20. */
const everyUws: Readonly<Record<string, Gap>> = {
  "X3.own-unanswered": cleanByItself,
  "X6.wire": noCloseFrame,
  "X6.wire-text": noCloseFrame,
  "X6.wire-size": noCloseFrame,
  "X6.wire-inflated": noCloseFrame,
  "X6.wire-late": noCloseFrame,
  "C2.one-packet": {
    reason: "uWebSockets.js 20 drops frames that arrive in one packet with the handshake",
    link: UWS_SOURCE,
  },
  "C4.late-reader": closesOverUnread("uWebSockets'"),
  "shutdown.exit": {
    reason: "uWebSockets.js sends what a hook has sent after the hook has returned",
    link: UWS_SOURCE,
  },
  "C3.pause": readsOn,
  "C3.patient": readsOn,
  "C3.burst": readsOn,
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
      "slow.refused": {
        reason: "Deno waits without end for a client that does not read its response",
        link: "https://docs.deno.com/api/deno/~/Deno.serve",
      },
      "shutdown.exit": {
        reason: "Deno sends asynchronously, so `Deno.exit()` drops what was sent in the same turn",
        link: "https://docs.deno.com/api/deno/~/Deno.exit",
      },
      "L3.no-limit": {
        reason: "Deno's only option for pings also ends the connection if no answer comes",
        link: "https://docs.deno.com/api/deno/~/Deno.UpgradeWebSocketOptions",
      },
      "vanish.rst-behind-handshake": {
        reason:
          "Deno keeps the descriptor of a client that resets its connection before the 101 is written",
        link: "https://docs.deno.com/api/deno/~/Deno.upgradeWebSocket",
      },
      "L1.fragment-flood": {
        reason:
          "Deno collects the fragments of a message without a limit before it reports the message",
        link: "https://github.com/denoland/fastwebsockets",
      },
      "L1.above-64-mib": {
        reason: "Deno ends the connection at a message of 64 MiB, for every value of maxPayload",
        link: "https://github.com/denoland/fastwebsockets",
      },
      "X6.wire-inflated": {
        reason:
          "Deno has no compression: a compressed frame ends the connection without a close frame",
        link: "https://github.com/denoland/fastwebsockets",
      },
      "C4.late-reader": closesOverUnread("Deno's"),
      "C4.one-answer": keepsOpen,
      "X6.wire": endsUnsaid,
      "X6.wire-text": endsUnsaid,
      "X6.wire-late": endsUnsaid,
    },
  },
  ...NODE_MAJORS.map((major) => node(`node${major}`, `Node ${major}`, major)),
  // `ws` does the framing if compression or an option of `ws` is set.
  node("ws", "Node 24 (ws)", 24, ["ws"]),
  {
    name: "bun",
    title: "Bun",
    async command(program = fixture("bun"), folder) {
      const bun = await pinnedBinary("bun", "bin/bun");
      if (!bun) return { missing: `Bun ${versionOf("bun")} for Linux on x64` };
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
      const node = await pinnedBinary("node20", "bin/node");
      const uws = await pinnedBinary("uws20.30", "src/uws.js");
      if (!node || !uws) return { missing: "Node 20 and uWebSockets.js for Linux on x64" };
      return ["env", `UWS_PATH=${uws}`, node, await builtProgram(program, "node", folder)];
    },
    gaps: {
      ...everyUws,
      "X3.client-code-3000": {
        reason: "uWebSockets.js 20 reports the close codes 3000 to 3999 as a dropped connection",
        link: UWS_SOURCE,
      },
      "H1.ends": unreported,
      "X6.reserved-bits": unreported,
      "X6.an-unknown-opcode": unreported,
      "X6.a-fragmented-ping": unreported,
      "X6.a-stray-continuation": unreported,
      "X6.a-close-code-of-nobody": unreported,
      "X6.a-long-ping": unreported,
      "C4.host-missing": noRoute,
      "C5.absolute-form": noRoute,
    },
  },
  {
    name: "uws24",
    title: "Node 24 (uWebSockets.js 20.57)",
    async command(program = fixture("uws"), folder) {
      const node = await pinnedBinary("node24", "bin/node");
      const uws = await pinnedBinary("uws", "uws_linux_x64_137.node");
      const glibc = await newGlibc();
      if (!node || !uws || !glibc) {
        return { missing: "Node 24, uWebSockets.js 20.57 and glibc 2.38 for Linux on x64" };
      }
      return [
        "env",
        `UWS_PATH=${uws}`,
        ...glibc,
        node,
        await builtProgram(program, "node", folder),
      ];
    },
    gaps: {
      ...everyUws,
      "X3.client-code-3000": {
        reason: "uWebSockets.js 20.57 reports the close codes 3000 to 3999 as a protocol error",
        link: `${UWS_TODAY}/WebSocketProtocol.h`,
      },
      "C5.absolute-form": {
        reason: "uWebSockets.js 20.57 answers a request with an absolute target with 505",
        link: `${UWS_TODAY}/HttpParser.h`,
      },
    },
  },
];

function node(
  name: string,
  title: string,
  major: NodeMajor,
  args: readonly string[] = [],
): Runtime {
  return {
    name,
    title,
    async command(program = fixture("node"), folder) {
      const node = await pinnedBinary(`node${major}`, "bin/node");
      if (!node) return { missing: `Node ${versionOf(`node${major}`)} for Linux on x64` };
      return [node, await builtProgram(program, "node", folder), ...args];
    },
    gaps: {},
  };
}

/** Returns the URL of a program in `fixtures/`. */
export function fixture(name: string): URL {
  return new URL(`../fixtures/${name}.ts`, import.meta.url);
}
