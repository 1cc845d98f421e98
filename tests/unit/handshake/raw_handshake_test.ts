import assert from "node:assert/strict";
import type { UpgradeRequest } from "../../../handshake/handshake.ts";
import { RawHandshake, type RawHandshakeInit } from "../../../handshake/raw_handshake.ts";

const URL_ = "http://example.com/chat?room=1";

function raw(rawHeaders: string[] = [], rest: Partial<RawHandshakeInit> = {}): RawHandshake {
  return new RawHandshake({
    method: "GET",
    target: "/chat?room=1",
    secure: false,
    remoteAddress: "192.0.2.1",
    rawHeaders,
    ...rest,
  });
}

Deno.test("RawHandshake.header() ignores case, and returns null for a missing header", () => {
  const it = raw(["Host", "a.example", "X-EMPTY", "", "x-lower", "1"]);
  assert.equal(it.header("host"), "a.example");
  assert.equal(it.header("x-empty"), "");
  assert.equal(it.header("x-lower"), "1");
  assert.equal(it.header("hos"), null);
  assert.equal(it.header("a.example"), null, "a value was read as a name");
  assert.equal(raw().header("host"), null);
});

Deno.test("RawHandshake.header() joins repeated headers like the Request's headers", () => {
  const lines = [
    "X-A",
    "1",
    "x-a",
    "2, 3",
    "X-a",
    "",
    "Cookie",
    "a=1",
    "cookie",
    "b=2",
    "Accept",
    "x",
    "Sec-WebSocket-Protocol",
    "chat",
    "sec-websocket-protocol",
    "other",
  ];
  const it = raw(lines);
  assert.equal(it.header("x-a"), "1, 2, 3, ");
  assert.equal(it.header("cookie"), "a=1; b=2");
  assert.equal(it.header("sec-websocket-protocol"), "chat, other");
  const { headers } = it.toRequest(URL_);
  for (const name of ["x-a", "accept", "sec-websocket-protocol", "x-none"]) {
    assert.equal(headers.get(name), it.header(name), name);
  }
});

Deno.test("RawHandshake.target is only the path and query of the request target", () => {
  const table: [string, string][] = [
    ["/", "/"],
    ["/chat?a=b", "/chat?a=b"],
    ["/chat#hash", "/chat"],
    ["/chat?a#b?c#d", "/chat?a"],
    ["//evil.example/x", "//evil.example/x"],
    ["/redirect?to=http://evil.example/", "/redirect?to=http://evil.example/"],
    ["http://other.example/chat", "/chat"],
    ["HTTPS://user@other.example:8443/chat?a=b#c", "/chat?a=b"],
    ["http://other.example", "/"],
    ["http://other.example?a=b", "/?a=b"],
    ["http://other.example#c", "/"],
    ["http:///chat", "/chat"],
    ["ws://other.example/chat", "/chat"],
    ["*", "*"],
    ["other.example:443", "other.example:443"],
    ["", ""],
  ];
  for (const [target, clean] of table) assert.equal(raw([], { target }).target, clean, target);
});

Deno.test("RawHandshake knows whether the connection is secure, and its unmapped address", () => {
  const context = { user: 1 };
  const it = raw([], { secure: true, remoteAddress: "::ffff:192.0.2.7", context });
  assert.deepEqual([it.method, it.secure, it.remoteAddress], ["GET", true, "192.0.2.7"]);
  assert.equal(it.context, context);
  assert.equal(raw([], { remoteAddress: undefined }).remoteAddress, undefined);
});

Deno.test("RawHandshake.toRequest() creates one Request, and returns the same one later", () => {
  const it = raw(["X-A", "1"]);
  const request = it.toRequest(URL_);
  assert.equal(it.toRequest(URL_), request);
  assert.ok(request instanceof Request);
  assert.deepEqual(
    [request.url, request.method, request.headers.get("x-a"), request.body],
    [URL_, "GET", "1", null],
  );
});

Deno.test("RawHandshake.toRequest() with another URL returns a copy with the same context, runtime, signal and added properties", () => {
  const runtime = { name: "node" as const };
  const it = raw(["X-A", "1", "X-A", "2"], { runtime });
  const first = it.toRequest(URL_) as UpgradeRequest & { added?: string };
  first.context = { user: "ann" };
  first.added = "x";
  const second = it.toRequest("https://b.example/") as typeof first;
  assert.deepEqual([first.url, second.url], [URL_, "https://b.example/"]);
  assert.equal(it.toRequest("https://b.example/"), second);
  assert.equal(second.context, first.context);
  assert.deepEqual([second.added, second.runtime], ["x", runtime]);
  assert.equal(second.headers.get("x-a"), "1, 2");
  assert.equal(second.clone().url, "https://b.example/");
  assert.equal(second.signal, first.signal);
  it.abort(() => "gone");
  assert.deepEqual([first.signal.reason, second.signal.reason], ["gone", "gone"]);
  assert.equal(it.toRequest("https://c.example/").signal, first.signal);
});

Deno.test("RawHandshake.toRequest() returns a Request that clone() and new Request() copy with its headers", () => {
  const lines = ["Host", "a.example", "Cookie", "a=1", "Connection", "Upgrade", "X-A", "1"];
  const request = raw(lines).toRequest(URL_);
  for (const copy of [request.clone(), new Request(request)]) {
    assert.ok(copy instanceof Request);
    assert.equal(copy.url, URL_);
    assert.deepEqual([...copy.headers], [...request.headers]);
    assert.equal(copy.headers.get("cookie"), "a=1");
    assert.equal(copy.signal.aborted, false);
  }
  const other = new Request(request, { headers: { "x-b": "2" } });
  assert.equal(other.headers.get("x-b"), "2");
  const elsewhere = new Request("http://b.example/", request);
  assert.deepEqual([elsewhere.url, elsewhere.headers.get("x-a")], ["http://b.example/", "1"]);
});

Deno.test("RawHandshake.toRequest() has the framework's context, or one that a hook sets", () => {
  const context = { user: 1 };
  const request = raw([], { context }).toRequest(URL_);
  assert.equal(request.context, context);
  const without = raw().toRequest(URL_);
  assert.deepEqual(without.context, {});
  without.context = { role: "admin" };
  assert.deepEqual(without.context, { role: "admin" });
});

Deno.test("RawHandshake.toRequest() adds the runtime's objects until the peer has opened, as a property that is not enumerable", () => {
  const runtime = { name: "node" } as const;
  const before = raw([], { runtime });
  assert.equal(before.toRequest(URL_).runtime, runtime);
  assert.ok(!Object.keys(before.toRequest(URL_)).includes("runtime"));
  const settled = raw([], { runtime });
  settled.settle();
  assert.equal(settled.toRequest(URL_).runtime, runtime);
  const opened = raw([], { runtime });
  opened.opened();
  assert.equal(opened.toRequest(URL_).runtime, undefined);
});

Deno.test("RawHandshake keeps all headers once settled, or only those in retainHeaders and those of the URL", () => {
  const headers = ["Host", "a.b", "Cookie", "x=1", "X-Empty", "", "cookie", "y=2", "Origin", "o"];
  const all = raw(headers);
  all.settle();
  assert.equal(all.header("cookie"), "x=1; y=2");
  assert.equal(all.header("x-empty"), "");
  assert.equal(all.toRequest(URL_).headers.get("origin"), "o");
  const some = raw(headers);
  some.settle(["COOKIE"]);
  assert.deepEqual(
    ["host", "cookie", "x-empty", "origin"].map((name) => some.header(name)),
    ["a.b", "x=1; y=2", null, null],
  );
  const none = raw([]);
  none.settle([]);
  assert.equal(none.header("host"), null);
});

const REASON = new Error("left");

Deno.test("RawHandshake aborts request.signal once, with the reason, if a hook read the signal before", () => {
  const it = raw();
  const { signal } = it.toRequest(URL_);
  let events = 0;
  signal.addEventListener("abort", () => events++);
  assert.equal(signal.aborted, false);
  assert.equal(it.aborted, false);
  it.abort(() => REASON);
  it.abort(() => new Error("second"));
  assert.deepEqual([signal.aborted, signal.reason, events], [true, REASON, 1]);
  assert.equal(it.aborted, true);
  assert.equal(it.toRequest(URL_).signal, signal);
});

Deno.test("RawHandshake has an aborted request.signal with the reason if a hook reads it only after the abort", () => {
  const unread = raw();
  const request = unread.toRequest(URL_);
  unread.abort(() => REASON);
  assert.deepEqual([request.signal.aborted, request.signal.reason], [true, REASON]);
  const unmade = raw();
  unmade.abort(() => REASON);
  unmade.abort(() => new Error("second"));
  const { signal } = unmade.toRequest(URL_);
  assert.deepEqual([signal.aborted, signal.reason], [true, REASON]);
});

Deno.test("RawHandshake does not abort request.signal if the handshake settles", () => {
  const it = raw();
  const { signal } = it.toRequest(URL_);
  it.settle();
  assert.equal(signal.aborted, false);
  assert.equal(it.aborted, false);
});

Deno.test("RawHandshake keeps its request readable after the abort", async () => {
  const it = raw(["X-A", "1"]);
  it.abort(() => REASON);
  const request = it.toRequest(URL_);
  assert.deepEqual([request.url, request.headers.get("x-a")], [URL_, "1"]);
  assert.equal(await request.text(), "");
});
