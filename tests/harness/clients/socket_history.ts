import { TimeLimit } from "../time_limit.ts";
import type { SocketEventMap, SocketTarget } from "../../../websocket/sse.ts";

/** A socket that tells what a WebSocket tells. */
type Socket = Pick<SocketTarget, "addEventListener">;

/** How long a test waits for what must come. */
const WAIT = 10_000;

/** The next event of a type. */
export async function heard<K extends keyof SocketEventMap>(
  socket: Socket,
  type: K,
): Promise<SocketEventMap[K]> {
  const { promise, resolve } = Promise.withResolvers<SocketEventMap[K]>();
  socket.addEventListener(type, resolve, { once: true });
  return await new TimeLimit(WAIT).race(promise, `there was no ${type}`);
}

/** How it ends. */
export async function closed(
  socket: Socket,
): Promise<{ code: number; reason: string; wasClean: boolean }> {
  const { code, reason, wasClean } = await heard(socket, "close");
  return { code, reason, wasClean };
}

/** All that it tells from now on, as it comes. */
export function recorded(socket: Socket): unknown[] {
  const events: unknown[] = [];
  socket.addEventListener("open", () => events.push("open"));
  socket.addEventListener("message", ({ data }) => events.push(data));
  socket.addEventListener("error", () => events.push("error"));
  socket.addEventListener("close", ({ code }) => events.push(`close ${code}`));
  return events;
}

/** Waits until something holds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const limit = new TimeLimit(WAIT);
  while (!condition()) {
    if (limit.isOver) throw new Error(`in vain: ${what}`);
    await new Promise((go) => setTimeout(go, 5));
  }
}
