let received = 0;

/** A message has come. */
export function countMessage(text: string): void {
  if (text.length > 0) received++;
}

/** How many messages have come. */
export function count(): number {
  return received;
}
