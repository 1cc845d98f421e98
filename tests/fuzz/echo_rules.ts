import { Buffer } from "node:buffer";
import { digest } from "./digest.ts";
import { closeOf, lineErrorsOf, messagesOf } from "./hook_order.ts";
import type { Evidence, Transcript } from "./evidence.ts";
import type { ReadControl, Reading } from "./reference_reader.ts";
import type { PeerRecord } from "./fuzz_server.ts";

const LINE_ERRORS: Readonly<Record<string, number>> = {
  ERR_PEER_PROTOCOL: 1002,
  ERR_PEER_INVALID_DATA: 1007,
  ERR_PEER_TOO_LARGE: 1009,
};
const PING = 9, PONG = 10;

/**
 * Violations of a history whose hooks only echo, so that the client's bytes determine the result.
 */
export function echoViolations(
  evidence: Evidence,
  transcript: Transcript,
  peer: PeerRecord,
): string[] {
  const { history, allowances } = evidence;
  const close = closeOf(peer);
  if (!close) return []; // `hookOrderViolations` reports a missing close hook
  const isOverrun = close.code === 1013 && allowances.cannotPause && history.endpoint === "serial";
  const hooked = messagesOf(peer).length, sent = transcript.sent.messages.length;
  const isReadOn = allowances.readsOnAfterOversize && (close.code === 1009 || close.code === 1013);
  const found = [...echoedInOrder(transcript), ...(isReadOn ? [] : pongsInOrder(transcript))];
  // A client that does not wait may be gone before the server has read all bytes.
  const { ending, endpoint } = history;
  if (isOverrun || ending === "reset" || (ending === "silence" && endpoint !== "idle")) {
    return found;
  }
  if (hooked < sent) found.push(`${hooked} of ${sent} messages reached the hook`);
  found.push(...endViolations(evidence, transcript, peer));
  return found;
}

/** Echoes must equal the sent messages, in their order. */
function echoedInOrder({ sent, received }: Transcript): string[] {
  const at = received.messages.findIndex(({ isText, bytes }, i) => {
    const original = sent.messages[i];
    return !original || original.isText !== isText || Buffer.compare(original.bytes, bytes) !== 0;
  });
  if (at < 0) return [];
  const [was, is] = [sent.messages[at], received.messages[at]!].map((it) =>
    it ? digest(it.isText, it.bytes) : "none"
  );
  return [`message ${at} was sent as ${was}, but came back as ${is}`];
}

/** Pongs must answer pings in order. RFC 6455 §5.5.3 lets the server skip some. */
function pongsInOrder({ sent, received }: Transcript): string[] {
  const pings = only(sent, PING);
  let at = 0;
  for (const pong of only(received, PONG)) {
    while (at < pings.length && Buffer.compare(pings[at]!.bytes, pong.bytes) !== 0) at++;
    if (at++ >= pings.length) return ["a pong answers no ping"];
  }
  return [];
}

function only({ controls }: Reading, opcode: number): ReadControl[] {
  return controls.filter((it) => it.opcode === opcode);
}

/** Violations of the end of a connection, for the client and for the hooks. */
function endViolations(evidence: Evidence, transcript: Transcript, peer: PeerRecord): string[] {
  const { end } = transcript.sent;
  if (end?.kind === "close") return closedByClient(evidence, transcript, peer);
  if (end?.kind === "violation") return brokenByClient(evidence, transcript, peer);
  const { code, wasClean } = closeOf(peer)!;
  const errors = lineErrorsOf(peer);
  return [
    ...(code !== 1006 || wasClean
      ? [`the close hook of a dropped connection got ${code} ${wasClean}`]
      : []),
    ...(errors.length > 0 ? [`the error hook of a dropped connection got ${errors}`] : []),
    ...unended(evidence, transcript),
  ];
}

function closedByClient(evidence: Evidence, transcript: Transcript, peer: PeerRecord): string[] {
  const { history, allowances, played } = evidence, { sent, received } = transcript;
  const { code, reason } = sent.end as { code: number; reason: string };
  const told = closeOf(peer)!, found = unended(evidence, transcript);
  const isHidden = allowances.hidesLibraryCodes && code >= 3000 && code <= 3999;
  if (
    isHidden ? told.code !== 1006 : told.code !== code || told.reason !== reason || !told.wasClean
  ) {
    found.push(
      `the client closed with ${code} ${reason}; the close hook got ${told.code} ${told.reason}, ${
        told.wasClean ? "clean" : "not clean"
      }`,
    );
  }
  if (lineErrorsOf(peer).length > 0) found.push("the error hook got a legal close");
  // Later bytes of the client may reset the connection, and so discard the answer.
  if (played.end === "reset" || sent.rest > 0) return found;
  if (received.end?.kind !== "close") found.push("the server did not answer the client's close");
  const { openMs, messageMs } = history.behaviour;
  const isServed = openMs === 0 && messageMs === 0;
  const lost = sent.messages.length - received.messages.length;
  if (isServed && lost > 0) {
    found.push(`${lost} of ${sent.messages.length} messages did not come back`);
  }
  return found;
}

function brokenByClient(evidence: Evidence, transcript: Transcript, peer: PeerRecord): string[] {
  const { allowances, played, history } = evidence, { sent, received } = transcript;
  const { codes, isCertain, what } = sent.end as {
    codes: readonly number[];
    isCertain: boolean;
    what: string;
  };
  const told = closeOf(peer)!, errors = lineErrorsOf(peer).map((code) => LINE_ERRORS[code]);
  const hasErrorHook = history.index % 16 !== 7;
  const isHidden = (!isCertain || allowances.hidesViolations) && told.code === 1006;
  const found = unended(evidence, transcript);
  if (told.wasClean) found.push(`${what}: the close hook got wasClean`);
  if (!isHidden && !codes.includes(told.code)) {
    found.push(`${what}: the close hook got ${told.code}, not ${codes.join(" or ")}`);
  }
  if (!isHidden && hasErrorHook && errors[0] !== told.code) {
    found.push(`${what}: the error hook got ${errors}, the close hook ${told.code}`);
  }
  const mayClose = [
    ...codes,
    ...(allowances.answersIllegalCloseByNone && /close/.test(what) ? [1005] : []),
    ...(allowances.closesSilentClients && history.endpoint === "idle" && !isCertain ? [1001] : []),
  ];
  const isReadOn = allowances.readsOnAfterOversize && codes.includes(1009);
  if (received.end?.kind === "close" && !isReadOn && !mayClose.includes(received.end.code)) {
    found.push(`${what}: the server closed with ${received.end.code}`);
  } else if (received.end?.kind === "close" && codes.includes(received.end.code)) {
    const isSame = isHidden || told.code === received.end.code;
    if (!isSame) {
      found.push(`${what}: the close hook got ${told.code}, the client ${received.end.code}`);
    }
  }
  const hasEnded = history.ending === "fin" || history.ending === "half a frame";
  const { missesCloseBehindFin: missing } = allowances;
  const isMissed = hasEnded && (missing === "everywhere" || missing === history.endpoint);
  const mayBeSilent = allowances.sendsNoCloseAfterViolation || isMissed || !isCertain ||
    played.end === "reset";
  if (!received.end && !mayBeSilent) found.push(`${what}: the server sent no close frame`);
  return found;
}

/** A client that ended its half or broke the protocol must see the end of the connection. */
function unended({ history, played }: Evidence, { sent }: Transcript): string[] {
  const { ending, endpoint } = history;
  const isOver = sent.end?.kind === "close" ||
    (sent.end?.kind === "violation" && sent.end.isCertain) ||
    ending === "fin" || ending === "half a frame" || endpoint === "idle";
  return played.end === "none" && isOver ? ["the server did not end the connection"] : [];
}
