import { Buffer } from "node:buffer";
import type { Refusal, RequestRuntime } from "../../handshake/handshake.ts";
import { RawHandshake } from "../../handshake/raw_handshake.ts";
import type { UwsRequest, UwsResponse } from "./uws_types.ts";

const decoder = new TextDecoder();
/** Matches the class name of responses under an `SSLApp`. Under an `App`, it is `uWS.HttpResponse`. */
const SECURE_CLASS = /SSL/;

/**
 * Refusal of a handshake that has reached the route for other requests, as uWebSockets.js does not
 * recognise the handshake. An upgrade without the context of the route would end the process.
 */
export const NOT_ROUTED: Refusal = {
  status: 400,
  message: "Bad WebSocket handshake: uWebSockets.js does not recognise it",
};

/** Copies the request of a route, which uWebSockets.js reuses once the route has returned. */
export function handshakeOf(
  res: UwsResponse,
  req: UwsRequest,
  runtime: RequestRuntime,
): RawHandshake {
  const rawHeaders: string[] = [];
  req.forEach((name, value) => rawHeaders.push(name, byteString(value)));
  const query = req.getQuery();
  return new RawHandshake({
    // With an upper-case copy of `get`, which is another method, the handshake would look valid.
    method: req.getCaseSensitiveMethod(),
    target: req.getUrl() + (query === undefined ? "" : `?${query}`),
    rawHeaders,
    secure: SECURE_CLASS.test(res.constructor.name),
    remoteAddress: decoder.decode(res.getRemoteAddressAsText()),
    runtime,
  });
}

/**
 * Returns a header with a character per byte, as in Fetch. uWebSockets.js 20 decodes UTF-8 instead.
 */
function byteString(value: string): string {
  return /[^\0-\x7f]/.test(value) ? Buffer.from(value).toString("latin1") : value;
}
