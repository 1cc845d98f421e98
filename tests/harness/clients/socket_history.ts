import { TimeLimit } from "../time_limit.ts";
import type { SocketEventMap, SocketTarget } from "../../../websocket/sse.ts";

/** A socket with the events of a WebSocket. */
type Socket = Pick<SocketTarget, "addEventListener">;

/** Longest wait for an expected event, in milliseconds. */
const WAIT = 10_000;

/** Waits for the next event of a type. */
export async function heard<K extends keyof SocketEventMap>(
  socket: Socket,
  type: K,
): Promise<SocketEventMap[K]> {
  const { promise, resolve } = Promise.withResolvers<SocketEventMap[K]>();
  socket.addEventListener(type, resolve, { once: true });
  return await new TimeLimit(WAIT).race(promise, `expected the event ${type}, got none`);
}

/** Waits for the end of a socket, and returns the details of its close. */
export async function closed(
  socket: Socket,
): Promise<{ code: number; reason: string; wasClean: boolean }> {
  const { code, reason, wasClean } = await heard(socket, "close");
  return { code, reason, wasClean };
}

/** Returns a list to which all later events of a socket are added. */
export function recorded(socket: Socket): unknown[] {
  const events: unknown[] = [];
  socket.addEventListener("open", () => events.push("open"));
  socket.addEventListener("message", ({ data }) => events.push(data));
  socket.addEventListener("error", () => events.push("error"));
  socket.addEventListener("close", ({ code }) => events.push(`close ${code}`));
  return events;
}

/** Waits until a condition holds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const limit = new TimeLimit(WAIT);
  while (!condition()) {
    if (limit.isOver) throw new Error(`timed out: ${what}`);
    await new Promise((go) => setTimeout(go, 5));
  }
}
