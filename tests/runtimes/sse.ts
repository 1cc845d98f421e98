import { builtProgram } from "../harness/processes/built_program.ts";
import { WORKERD_DATE, workerdCommand } from "../harness/processes/workerd.ts";
import { answeredBefore, ownEndpoint } from "./durable.ts";
import { closesOverUnread, fixture, type Gap, keepsOpen, type Runtime } from "./native.ts";
import { pinnedBinary, versionOf } from "./versions.ts";

const HTTP = "https://www.rfc-editor.org/rfc/rfc9110";

/** Gap of every case that writes a WebSocket handshake itself. */
const noFrames: Gap = {
  reason: "the case sends a raw WebSocket handshake, which SSE does not have",
  link: HTTP,
};

const staysOpen: Gap = {
  reason: "SSE refuses a POST that is too large with 413, and the session continues",
  link: `${HTTP}#section-15.5.14`,
};

/** Gaps on every server. */
const gaps: Readonly<Record<string, Gap>> = {
  "L1.default": staysOpen,
  "L1.inflated": {
    reason: "SSE clients do not compress requests, as no known server accepts compressed requests",
    link: `${HTTP}#section-8.4`,
  },
};

/** Server-sent events on each server that the adapter supports. */
export const sseRuntimes: readonly Runtime[] = [
  {
    name: "sse-deno",
    title: "SSE on Deno",
    transport: "sse",
    lineGap: noFrames,
    command: (program = fixture("sse_deno")) =>
      Promise.resolve([Deno.execPath(), "run", "-A", "--no-check", program.pathname]),
    gaps: {
      ...gaps,
      "C4.late-reader": closesOverUnread("Deno's"),
      "C4.one-answer": keepsOpen,
    },
  },
  sseNode("sse-node", "SSE on Node", "node24"),
  {
    name: "sse-bun",
    title: "SSE on Bun",
    transport: "sse",
    lineGap: noFrames,
    async command(program = fixture("sse_bun"), folder) {
      const bun = await pinnedBinary("bun", "bin/bun");
      if (!bun) return { missing: `Bun ${versionOf("bun")} for Linux on x64` };
      return [bun, await builtProgram(program, "bun", folder)];
    },
    gaps: {
      ...gaps,
      "C4.late-reader": closesOverUnread("Bun's"),
    },
  },
  {
    name: "sse-durable",
    title: "SSE in Durable Objects",
    transport: "sse",
    lineGap: noFrames,
    async command() {
      return await workerdCommand("sse-durable", { date: WORKERD_DATE, sse: true }) ??
        { missing: "workerd for Linux on x64" };
    },
    gaps: {
      ...gaps,
      "A1.endpoint": ownEndpoint,
      "A1.shared": ownEndpoint,
      "C4.descriptors": answeredBefore("does not show a Worker the descriptors of its process"),
      "C4.late-reader": closesOverUnread("workerd's"),
      "C4.one-answer": answeredBefore("removes the header `Connection` from a response"),
      "L1.above-64-mib": {
        reason:
          "workerd restarts an object over 128 MB of memory, unless it collects garbage in time",
        link: "https://developers.cloudflare.com/durable-objects/platform/limits/",
        mayPass: true,
      },
      "SSE3.host": {
        reason: "workerd answers 500 to a Host that makes no URL, and the object gets no request",
        link: `${HTTP}#section-7.2`,
      },
    },
  },
];

/** Further versions, for the cases of server-sent events alone. */
export const sseVariants: readonly Runtime[] = [
  sseNode("sse-node20", "SSE on Node 20", "node20"),
];

function sseNode(name: string, title: string, release: "node20" | "node24"): Runtime {
  return {
    name,
    title,
    transport: "sse",
    lineGap: noFrames,
    async command(program = fixture("sse_node"), folder) {
      const node = await pinnedBinary(release, "bin/node");
      if (!node) return { missing: `Node ${versionOf(release)} for Linux on x64` };
      return [node, await builtProgram(program, "node", folder)];
    },
    gaps,
  };
}
