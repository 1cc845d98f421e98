let heard = 0;

/** A message has come. */
export function hear(text: string): void {
  if (text.length > 0) heard++;
}

/** How many messages have come. */
export function count(): number {
  return heard;
}
