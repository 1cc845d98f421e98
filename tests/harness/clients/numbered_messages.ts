import { TimeLimit } from "../time_limit.ts";
import type { TestSocket } from "./test_socket.ts";
import { sleep } from "./case_client.ts";

/** Returns the numbers at the head of all received messages, text or binary. */
export function numbersIn(socket: TestSocket): number[] {
  return socket.queued.map((message) =>
    Number.parseInt(
      typeof message === "string" ? message : new TextDecoder().decode(message.subarray(0, 10)),
    )
  );
}

/** Returns a message of this size with a number at its head. */
export function numbered(i: number, size: number): string {
  return `${i}`.padEnd(size, ".");
}

/** Waits until a client has `count` messages. */
export async function until(socket: TestSocket, count: number): Promise<void> {
  const limit = new TimeLimit(2000);
  while (socket.queued.length < count && !limit.isOver) await limit.pause(sleep(10));
}

/** Returns the numbers from 0 to `count` − 1. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
