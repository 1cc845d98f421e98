import type { Buffer } from "node:buffer";
import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { isWebSocketUpgrade } from "../handshake/handshake.ts";

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => unknown;

/** The part of a Node server that decides about upgrades. */
interface UpgradingServer extends EventEmitter {
  /** Called by Node, since 22.21 and 24.9, before an upgrade takes a connection from the server. */
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
}

/**
 * Passes WebSocket handshakes of a Node server to `upgrade`. Requests that ask for another protocol
 * are served as if they had not asked (RFC 9110 §7.8), unless the server has further listeners.
 * Java's HttpClient, for example, sends `Upgrade: h2c` with each request.
 */
export function onUpgrade(server: UpgradingServer, upgrade: UpgradeListener): void {
  const isOurs = ({ headers }: IncomingMessage) =>
    isWebSocketUpgrade(headers.upgrade) || server.listenerCount("upgrade") > 1;
  const { shouldUpgradeCallback } = server;
  server.shouldUpgradeCallback = (request) =>
    isOurs(request) && (shouldUpgradeCallback?.call(server, request) ?? true);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isOurs(request)) upgrade(request, socket, head);
    else handBack(server, request, socket, head);
  });
}

/**
 * Hands a connection back to a server that has no `shouldUpgradeCallback`. The server reads the
 * request again, without the `Upgrade` header. After that header, Node 20 reads no body.
 */
function handBack(
  server: EventEmitter,
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  socket: Duplex,
  body: Buffer,
): void {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === "upgrade") continue;
    text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  }
  socket.unshift(body);
  socket.unshift(`${text}\r\n`, "latin1"); // the bytes as Node 20 has read them
  server.emit("encrypted" in socket ? "secureConnection" : "connection", socket);
}
