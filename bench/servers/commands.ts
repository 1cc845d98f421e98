/** The topic that a URL, or its path with the query, asks for. */
export function topicOf(url: string): string | undefined {
  return /[?&]topic=(\d+)/.exec(url)?.[1];
}

/** What is to be published where, and how often. */
export function readCommand(text: string): { readonly topic: string; readonly times: number } {
  return { topic: text.slice(1, 6), times: Number(text.slice(7, 9)) };
}
