let received = 0;

/** Counts a received message. */
export function countMessage(text: string): void {
  if (text.length > 0) received++;
}

/** The number of received messages. */
export function count(): number {
  return received;
}
