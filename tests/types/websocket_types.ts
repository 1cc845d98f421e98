/** The client's sockets fit `WebSocket`. `deno check` checks this file; no test runs it. */
import { fallback, type FallbackSocket, WebSocketSSE } from "../../websocket/sse.ts";

export const sockets: WebSocket[] = [new WebSocketSSE("/chat"), fallback("/chat")];

/** Stands for a library that creates its sockets, such as graphql-ws or reconnecting-websocket. */
function takesImplementation(
  _: new (url: string | URL, protocols?: string | string[]) => WebSocket,
) {}
takesImplementation(WebSocketSSE);
takesImplementation(WebSocket);

/** The class has the constants of `WebSocket`. */
export const constants: Pick<typeof WebSocket, "CONNECTING" | "OPEN" | "CLOSING" | "CLOSED"> =
  WebSocketSSE;

export function listens(socket: WebSocketSSE | FallbackSocket): void {
  socket.onopen = (event) => event.type;
  socket.onmessage = ({ data }) => data.length;
  socket.onclose = ({ code, reason, wasClean }) => [code.toFixed(), reason.length, wasClean];
  socket.onclose = null;
  socket.addEventListener("close", ({ code }) => code.toFixed(), { once: true });
  socket.addEventListener("message", ({ data }) => data.length);
  socket.addEventListener("message", { handleEvent: (event: Event) => event.type });
  // @ts-expect-error an `open` event has no code
  socket.addEventListener("open", ({ code }) => code);
  socket.binaryType = "arraybuffer";
  // @ts-expect-error a WebSocket has no such type
  socket.binaryType = "uint8array";
  socket.send(new DataView(new ArrayBuffer(1)));
  socket.send(new Blob());
  // @ts-expect-error an object is not a message
  socket.send({ a: 1 });
  // @ts-expect-error the state is read-only
  socket.readyState = 1;
}

new WebSocketSSE("/chat", ["a", "b"], { headers: { authorization: "Bearer x" }, heartbeat: 5_000 });
// @ts-expect-error there is no such option
new WebSocketSSE("/chat", [], { hartbeat: 5_000 });
fallback("/chat", "a", { timeout: 1_000, delivery: "poll", onBuffering() {} });
