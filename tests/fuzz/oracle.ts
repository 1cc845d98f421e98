import { createHash } from "node:crypto";
import { digest } from "./digest.ts";
import type { Evidence, Transcript } from "./evidence.ts";
import type { History } from "./history.ts";
import type { PeerRecord } from "./fuzz_server.ts";
import { ENDPOINTS, maxPayloadOf } from "./endpoints.ts";
import type { UpgradeBehaviour } from "./hook_behaviour.ts";
import { closeOf, hookOrderViolations, messagesOf } from "./hook_order.ts";
import { readFrames, type Reading } from "./reference_reader.ts";
import { publishViolations } from "./publish_rules.ts";
import { echoViolations } from "./echo_rules.ts";

const STATUS: Readonly<Record<UpgradeBehaviour, number>> = {
  "admit": 101,
  "admit later": 101,
  "respond": 403,
  "throw a response": 410,
  "throw": 500,
  "reject": 500,
  "return nonsense": 500,
  "hang": 503,
};

/** Reads both streams. */
export function transcriptOf({ history, played, allowances }: Evidence): Transcript {
  const extensions = /^sec-websocket-extensions:.*$/im.exec(played.head)?.[0] ?? "";
  const isDeflated = extensions.includes("permessage-deflate");
  return {
    sent: readFrames(history.stream.subarray(0, played.written), {
      masked: true,
      leniency: allowances.leniency ?? {},
      isDeflated,
      noContextTakeover: extensions.includes("client_no_context_takeover"),
      maxPayload: maxPayloadOf(history.endpoint),
    }),
    received: readFrames(played.received, {
      masked: false,
      // The runtime sends a long close frame back.
      leniency: { takesLongControls: allowances.leniency?.takesLongControls ?? false },
      isDeflated,
      noContextTakeover: extensions.includes("server_no_context_takeover"),
      maxPayload: 2 ** 30,
    }),
  };
}

/** Returns the violations of a history, in words. */
export function judge(evidence: Evidence): string[] {
  const { history, played, peers } = evidence;
  const found = [
    ...answerViolations(evidence),
    ...peers.flatMap((it) => hookOrderViolations(history, it)),
  ];
  if (played.status !== 101) return found;
  const transcript = transcriptOf(evidence);
  found.push(...wireViolations(transcript.received));
  found.push(...publishViolations(history, transcript.received));
  if (history.handshake.verdict !== "valid") return found;
  if (history.isPipelined && evidence.allowances.losesEarlyFrames) return found;
  const [peer] = peers;
  if (!peer) return found; // the client left before `open`
  found.push(...inventedMessages(transcript.sent, peer));
  const isPredictable = history.behaviour.isEcho && ENDPOINTS[history.endpoint].isPatient &&
    transcript.sent.end?.kind !== "unspecified";
  if (isPredictable) found.push(...echoViolations(evidence, transcript, peer));
  return found;
}

/** Returns violations in the answer to the handshake. */
function answerViolations({ history, played, peers, allowances }: Evidence): string[] {
  const { handshake, behaviour } = history, { status, head } = played;
  const found: string[] = [];
  const expected = STATUS[behaviour.upgrade];
  const isLost = status === 0 && allowances.terminatesBeforeTheAnswer && !behaviour.isEcho &&
    peers.some((peer) => closeOf(peer)?.code === 1006);
  const isConfused = history.isPipelined && allowances.losesEarlyFrames &&
    [400, 0, allowances.answersEarlyFramesBy].includes(status);
  if (handshake.verdict === "valid" && status !== expected && !isLost && !isConfused) {
    found.push(`the handshake was answered by ${status || "nothing"}, not ${expected}`);
  }
  if (handshake.verdict === "illegal" && status === 101) {
    found.push(`an illegal handshake (${handshake.how}) was accepted`);
  }
  if (status === 500 && expected !== 500) {
    found.push("the server answered a handshake by 500, though no hook failed");
  }
  if (status === -1) found.push(`the answer is not HTTP: ${head.slice(0, 60)}`);
  if (peers.length > 1) found.push(`one handshake created ${peers.length} peers`);
  const events = peers.flatMap(({ events }) => events);
  if (events.length > 0 && expected !== 101) found.push("a client that was refused has a peer");
  if (events.length > 0 && handshake.verdict === "illegal") {
    found.push("an illegal handshake has a peer");
  }
  if (status === 101 && handshake.verdict === "valid") {
    found.push(...acceptViolations(history, head));
  }
  return found;
}

/** Checks `Sec-WebSocket-Accept` (RFC 6455 §4.2.2). */
function acceptViolations({ handshake }: History, head: string): string[] {
  const key = /^sec-websocket-key: (.*)$/im.exec(handshake.bytes.toString("latin1"))?.[1]?.trim();
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  return head.includes(accept) ? [] : [`Sec-WebSocket-Accept is wrong in ${head}`];
}

/** Returns violations in the frames of the server. */
function wireViolations({ end, rest }: Reading): string[] {
  if (end?.kind === "violation") return [`the server sent ill-formed frames: ${end.what}`];
  return end && rest > 0 ? [`the server sent ${rest} bytes after its close frame`] : [];
}

/** Finds the first message of a hook that the client did not send, or not in this order. */
function inventedMessages({ messages, end }: Reading, peer: PeerRecord): string[] {
  const isKnown = end?.kind !== "unspecified";
  const seen = messagesOf(peer).slice(0, isKnown ? Infinity : messages.length);
  const at = seen.findIndex((it, i) => {
    const message = messages[i];
    return !message || digest(message.isText, message.bytes) !== it;
  });
  if (at < 0) return [];
  const sent = messages[at];
  return [
    `the message hook got ${seen[at]} as number ${at}, but the client sent ${
      sent ? digest(sent.isText, sent.bytes) : "none"
    }`,
  ];
}
