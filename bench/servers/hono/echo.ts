/** Hooks of all programs for Hono, which has no topics and therefore only echoes. */

/** The part of Hono's `Context` that the programs use. */
export interface HttpContext {
  text(text: string): Response;
}

interface Events {
  onMessage(event: { readonly data: unknown }, socket: { send(data: unknown): void }): void;
}

export const echo: Events = { onMessage: ({ data }, socket) => socket.send(data) };
