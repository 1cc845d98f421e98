/** What the programs over Hono share. It has no topics, so it only echoes. */

/** The part of Hono's `Context` that they use. */
export interface HttpContext {
  text(text: string): Response;
}

interface Events {
  onMessage(event: { readonly data: unknown }, socket: { send(data: unknown): void }): void;
}

export const echo: Events = { onMessage: ({ data }, socket) => socket.send(data) };
