import assert from "node:assert/strict";
import adapter, { type UwsApp, type UwsRequest, type UwsResponse } from "../../../adapters/uws.ts";

/** Makes a response whose class has a name of uWebSockets.js 20. */
function responseOf(className: string): UwsResponse {
  class Response {
    onAborted() {}
    cork() {}
    getRemoteAddressAsText = () => new ArrayBuffer(0);
  }
  Object.defineProperty(Response, "name", { value: className });
  return new Response() as unknown as UwsResponse;
}

const headers: [string, string][] = [
  ["host", "localhost"],
  ["connection", "upgrade"],
  ["upgrade", "websocket"],
  ["sec-websocket-version", "13"],
  ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
];
const request = {
  getMethod: () => "get",
  getCaseSensitiveMethod: () => "GET",
  getUrl: () => "/room",
  getQuery: () => undefined,
  getHeader: () => "",
  forEach: (use) => headers.forEach(([name, value]) => use(name, value)),
} satisfies UwsRequest;

Deno.test("the URL of a request has the scheme https under an SSLApp, and http under an App", () => {
  const urls: string[] = [];
  const ws = adapter({
    hooks: {
      upgrade({ url }) {
        urls.push(url);
        return { handled: true };
      },
    },
  });
  for (const name of ["uWS.SSLHttpResponse", "uWS.HttpResponse"]) {
    ws.websocket.upgrade(responseOf(name), request, {});
  }
  assert.deepEqual(urls, ["https://localhost/room", "http://localhost/room"]);
});

Deno.test("attach() throws for a pattern that already has an adapter, and registers no route", () => {
  const routes: string[] = [];
  const appOf = (): UwsApp => ({
    ws: (pattern) => routes.push(`ws ${pattern}`),
    any: (pattern) => routes.push(`any ${pattern}`),
  });
  const app = appOf();
  adapter().attach(app, "/*");
  const again = () => adapter().attach(app, "/*");
  assert.throws(again, { name: "Error", message: /Cannot attach to \/\* as the app already has/ });
  adapter().attach(app, "/chat");
  adapter().attach(appOf(), "/*");
  const expected = ["ws /*", "any /*", "ws /chat", "any /chat", "ws /*", "any /*"];
  assert.deepEqual(routes, expected);
});

/** Returns the status with which the route for all other requests answers. */
function statusOf(request: UwsRequest, ws = adapter()): Promise<string> {
  return new Promise((resolve, reject) => {
    const app: UwsApp = {
      ws: () => {},
      any: (_, answer) =>
        answer({
          onAborted: () => {},
          cork: (write) => write(),
          writeStatus: resolve,
          writeHeader: () => {},
          write: () => {},
          end: () => {},
          close: () => {},
          getRemoteAddressAsText: () => new ArrayBuffer(0),
          upgrade: () => reject(new Error("upgraded without a context")),
        }, request),
    };
    ws.attach(app, "/*");
  });
}

Deno.test("the method of a request keeps its case, as uWebSockets.js routes by the case", async () => {
  assert.equal(
    await statusOf({ ...request, getCaseSensitiveMethod: () => "get" }),
    "405 Method Not Allowed",
  );
});

Deno.test("a handshake on the route for other requests is refused, and frees its slot", async () => {
  const ws = adapter({ limits: { maxPeers: 1 } });
  for (let i = 0; i < 2; i++) assert.equal(await statusOf(request, ws), "400 Bad Request");
  assert.equal(ws.stats.refusals, 2);
});
