import { Buffer } from "node:buffer";
import type { Evidence } from "./evidence.ts";
import { transcriptOf } from "./oracle.ts";
import type { ReadEnd, Reading } from "./reference_reader.ts";

const SHOWN = 40;

/** Formats all evidence about one history, to find the cause of a violation. */
export function transcriptLines(evidence: Evidence, violations: readonly string[]): string[] {
  const { history, played, peers } = evidence;
  const { handshake, behaviour, endpoint, mutations, ending } = history;
  const { sent, received } = transcriptOf(evidence);
  return [
    `history ${history.index} at the endpoint "${endpoint}"`,
    section("hooks", [
      `${behaviour.isEcho ? "echo" : "act at random"}; upgrade: ${behaviour.upgrade}, ` +
      `open: ${behaviour.openMs} ms, message: ${behaviour.messageMs} ms`,
    ]),
    section("handshake", [handshake.how, ...shortened(handshake.bytes.toString("latin1"))]),
    section("answer", played.head === "" ? ["none"] : shortened(played.head)),
    section("frames", [
      `${history.frameEnds.length}, ${played.written} of ${history.stream.length} bytes written; ` +
      `${mutations.join(", ") || "all of them valid"}; then: ${ending}` +
      `${history.isPipelined ? "; before the answer" : ""}` +
      `${history.readsLate ? "; reads only at the end" : ""}`,
    ]),
    section("events", played.steps),
    section("sent, as a server must read it", readingLines(sent)),
    section("received", readingLines(received)),
    ...peers.map(({ events }) => section("hook calls", events)),
    section("violations", violations.length > 0 ? violations : ["none"]),
  ];
}

function section(title: string, lines: readonly string[]): string {
  const left = lines.length - SHOWN;
  const shown = left > 0
    ? [...lines.slice(0, SHOWN / 2), `… ${left} more …`, ...lines.slice(-SHOWN / 2)]
    : lines;
  return `  ${title}\n${shown.map((line) => `    ${line}`).join("\n")}`;
}

function shortened(text: string): string[] {
  return text.trimEnd().split("\r\n").map((line) =>
    JSON.stringify(line).slice(1, -1).slice(0, 100)
  );
}

function readingLines({ messages, controls, end, rest }: Reading): string[] {
  const lines = messages.map(({ isText, bytes }) =>
    `${isText ? "text" : "bytes"} ${bytes.length}: ${previewOf(isText, bytes)}`
  );
  const kinds = controls.map(({ opcode }) => opcode === 9 ? "ping" : "pong");
  return [
    ...lines,
    ...(kinds.length > 0 ? [`and ${kinds.length} control frames`] : []),
    endLine(end),
    ...(rest > 0 ? [`${rest} bytes after the end`] : []),
  ];
}

function endLine(end: ReadEnd | undefined): string {
  if (end?.kind === "close") return `close ${end.code} ${end.reason}`;
  if (end?.kind === "violation") {
    return `violation: ${end.what} (${end.codes.join(" or ")})${end.isCertain ? "" : ", perhaps"}`;
  }
  return end ? "unspecified: depends on the runtime" : "no end";
}

function previewOf(isText: boolean, bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 24));
  return isText ? JSON.stringify(head.toString()) : head.toString("hex");
}
