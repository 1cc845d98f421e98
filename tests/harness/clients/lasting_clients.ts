import { once } from "node:events";
import http2 from "node:http2";
import { connect as connectTls } from "node:tls";
import { handshakeText, RawClient } from "./raw_client.ts";

/** Server that the clients need: the paths of `tests/fixtures/serve_hostile.ts`. */
export interface LastingServer {
  readonly port: number;
  /** Port for TLS, and its certificate. */
  readonly tls?: { readonly port: number; readonly ca: string };
}

/** Starts a client, which does not leave by itself. Returns a function that ends the client. */
type Start = (server: LastingServer) => Promise<() => void>;

/** Clients that neither finish what they have begun, nor read, nor leave. The key says which. */
export const lastingClients: Readonly<Record<string, Start>> = {
  "a silent connection": silent(""),
  "half a head": silent("GET / HTTP/1.1\r\nHost: x\r\n"),
  "half a body": silent("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"),
  "half a body that asks for h2c": silent(
    "POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 10\r\n\r\nhalf",
  ),
  "a response that is not read": silent(get("/big")),
  "pipelined responses that are not read": silent(get("/page").repeat(20)),
  "an event stream": silent(get("/stream")),
  "pipelined event streams": silent(get("/stream").repeat(20)),
  "an event stream that is not read": silent(get("/stream?flood")),
  "a WebSocket": silent(handshakeText(80)),
  "a WebSocket that is not read": silent(handshakeText(80, { target: "/?flood" })),
  "a refusal that is not read": silent(handshakeText(80, { target: "/refused" })),
  "a pending upgrade": silent(handshakeText(80, { target: "/pending" })),
};

/** The same for a server with TLS. */
export const lastingTlsClients: Readonly<Record<string, Start>> = {
  "a connection without a byte of TLS": ({ tls }) => silent("")({ port: tls!.port }),
  "half a TLS handshake": ({ tls }) => silent("\x16\x03\x01")({ port: tls!.port }),
  "a silent TLS connection": silentTls(""),
  "a response over TLS that is not read": silentTls(get("/big")),
};

/** The same for a server with HTTP/2. */
export const lastingHttp2Clients: Readonly<Record<string, Start>> = {
  "an HTTP/2 session": session(() => {}),
  "half a body of HTTP/2": session((it) => {
    it.request({ ":path": "/", ":method": "POST" }).on("error", () => {}).write("half");
  }),
  "an event stream of HTTP/2": session((it) => {
    it.request({ ":path": "/stream?flood", accept: "text/event-stream" }).on("error", () => {});
  }),
};

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`;
}

/** Makes a client that writes a text, and neither reads nor writes any more. */
function silent(text: string): Start {
  return async ({ port }) => {
    const client = await RawClient.connect({ port, host: "127.0.0.1" });
    client.pause();
    if (text) await client.written(text);
    return () => client.destroy();
  };
}

/** Makes a client that finishes the TLS handshake, writes a text, and does not read. */
function silentTls(text: string): Start {
  return async ({ tls }) => {
    const options = {
      port: tls!.port,
      ca: tls!.ca,
      host: "127.0.0.1",
      ALPNProtocols: ["http/1.1"],
    };
    const socket = connectTls(options).on("error", () => {});
    await once(socket, "secureConnect");
    if (text) socket.write(text);
    return () => socket.destroy();
  };
}

/** Makes a client that opens a session of HTTP/2, and sends a request whose response it leaves. */
function session(ask: (session: http2.ClientHttp2Session) => void): Start {
  return async ({ tls }) => {
    const session = http2.connect(`https://127.0.0.1:${tls!.port}`, { ca: tls!.ca });
    session.on("error", () => {});
    await once(session, "connect");
    ask(session);
    return () => session.destroy();
  };
}
