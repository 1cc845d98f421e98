/** The topic in the query of a URL or path. */
export function topicOf(url: string): string | undefined {
  return /[?&]topic=(\d+)/.exec(url)?.[1];
}

/** Reads a command: the topic, and the number of publishes. */
export function readCommand(text: string): { readonly topic: string; readonly times: number } {
  return { topic: text.slice(1, 6), times: Number(text.slice(7, 9)) };
}
