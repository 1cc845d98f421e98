import { ENDPOINTS } from "./endpoints.ts";
import type { History } from "./history.ts";
import type { PeerRecord } from "./fuzz_server.ts";

/** Returns digests of the messages that a peer's hook got, in order. */
export function messagesOf({ events }: PeerRecord): string[] {
  return events.flatMap((event) => /^\+?message (.*)/.exec(event)?.[1] ?? []);
}

/** Returns the arguments of the peer's `close` hook, if it ran. */
export function closeOf(
  { events }: PeerRecord,
): { code: number; wasClean: boolean; reason: string } | undefined {
  for (const event of events) {
    const match = /^\+?close (\d+) (true|false) (.*)/s.exec(event);
    if (match) return { code: Number(match[1]), wasClean: match[2] === "true", reason: match[3]! };
  }
  return undefined;
}

/** Returns the codes of connection errors that the peer's `error` hook got. */
export function lineErrorsOf({ events }: PeerRecord): string[] {
  return events.flatMap((event) => /^\+?error of the connection (.*)/.exec(event)?.[1] ?? []);
}

/** Returns violations of the clauses C1 and C2 of the contract. */
export function hookOrderViolations(history: History, peer: PeerRecord): string[] {
  const { events } = peer;
  if (events.length === 0) return []; // the client was refused, or left before `open`
  const found: string[] = [];
  const wrong = (isWrong: boolean, what: string) => isWrong && found.push(`hook order: ${what}`);
  const starts = (name: string) =>
    events.flatMap((event, at) => event.replace(/^\+/, "").startsWith(name) ? [at] : []);
  const opens = starts("open"), closes = starts("close"), messages = starts("message");
  wrong(opens.length !== 1 || opens[0] !== 0, `open ran ${opens.length} times, at ${opens}`);
  wrong(closes.length !== 1, `close ran ${closes.length} times`);
  wrong(starts("error of the connection").length > 1, "more than one error of the connection");
  const close = closes[0] ?? Infinity;
  // A hook that is still running may settle or fail after the close hook.
  const late = events.slice(close + 1).find((event) => !/^-|^\+?error \w+$/.test(event));
  wrong(late !== undefined, `${late} started after close`);
  const opened = events[0]?.startsWith("+") ? events.indexOf("-open") : 0;
  const early = messages.some((at) => at < (opened < 0 ? Infinity : opened));
  wrong(early, "a message hook started before open had settled");
  const { concurrency = Infinity } = ENDPOINTS[history.endpoint].options.limits;
  const most = mostAtOnce(events);
  wrong(most > concurrency, `${most} message hooks ran at the same time`);
  return found;
}

/** Returns the highest number of simultaneous message hooks, synchronous ones included. */
function mostAtOnce(events: readonly string[]): number {
  let running = 0, most = 0;
  for (const event of events) {
    if (event === "-message") running--;
    if (event.startsWith("+message")) running++;
    most = Math.max(most, running + (event.startsWith("message") ? 1 : 0));
  }
  return most;
}
