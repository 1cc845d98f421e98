import type { History } from "./history.ts";
import { PUBLISHED, type Published } from "./hook_behaviour.ts";
import { Buffer } from "node:buffer";
import type { Reading } from "./reference_reader.ts";

/** Returns received messages that the clauses P2, P4 and I5 of the contract forbid. */
export function publishViolations(history: History, received: Reading): string[] {
  const found: string[] = [];
  const namespace = /^[A-Z]+ ([^? ]*)/.exec(history.handshake.bytes.toString("latin1"))?.[1];
  const last = new Map<string, number>();
  for (const { isText, bytes } of received.messages) {
    const text = isText && bytes.length < 500 ? Buffer.from(bytes).toString() : "";
    if (!text.startsWith(PUBLISHED)) continue;
    const said: Published = JSON.parse(text.slice(PUBLISHED.length));
    if (history.handshake.verdict === "valid" && said.namespace !== namespace) {
      found.push(`a client in ${namespace} got a message published in ${said.namespace}`);
    }
    if (history.behaviour.isEcho) {
      found.push(`a client got a message on ${said.topic}, but never subscribed`);
    }
    if (said.by === history.index && !said.echo) found.push("a publisher got its own message");
    const key = `${said.by} ${said.topic}`, before = last.get(key) ?? -1;
    if (said.count <= before) {
      found.push(`number ${said.count} of history ${said.by} came after ${before} on a topic`);
    }
    last.set(key, said.count);
  }
  return found;
}
