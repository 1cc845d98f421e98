import assert from "node:assert/strict";
import { WebSocketSSE, type WebSocketSSEOptions } from "../../../websocket/sse.ts";
import { EventServer, Line } from "../../harness/clients/event_server.ts";
import { closed, heard, recorded, until } from "../../harness/clients/socket_history.ts";
import { stopwatch } from "../../harness/time_limit.ts";

/** A server that answers each GET with the next of these responses. */
function serving(...lines: readonly (Line | Response)[]): EventServer {
  const left = [...lines];
  return new EventServer({
    GET() {
      const next = left.shift();
      return next instanceof Line
        ? next.response
        : next ?? new Response("no more", { status: 503 });
    },
  });
}

/** Returns the Last-Event-ID of each GET. */
function lastIds(server: EventServer): (string | null)[] {
  return server.by("GET").map(({ headers }) => headers.get("last-event-id"));
}

Deno.test("WebSocketSSE reads each kind of message, however the stream is cut into chunks", async () => {
  const texts = ["plain", "two\nlines\n", "\n", "", " space", "data: x", ":", "\u{1f600}\u2028ö"];
  const written = new Line();
  const chunks: Uint8Array[] = [];
  written.raw = function (text) {
    chunks.push(typeof text === "string" ? new TextEncoder().encode(text) : text);
    return this;
  };
  written.open();
  for (const text of texts) written.event(text).raw(": heartbeat\n\n");
  written.event(JSON.stringify("cr\r\nlf\r"), "json").event(btoa("\0\xff"), "binary");
  written.event("", "binary").event("of a later version", "unknown").event("last");
  const bytes = new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());

  const expected = ["open", ...texts, "cr\r\nlf\r", [0, 255], [], "last"];
  const cuts = Array.from(bytes.keys()).slice(1);
  const everyByte = cuts.map((_, i) => bytes.subarray(i, i + 1)).concat(bytes.slice(-1));
  const manyAtOnce = 100;
  const plays = [[bytes], everyByte, ...cuts.map((at) => [bytes.slice(0, at), bytes.slice(at)])];
  for (let i = 0; i < plays.length; i += manyAtOnce) {
    await Promise.all(
      plays.slice(i, i + manyAtOnce).map(async (chunks, n) => {
        assert.deepEqual(await readIn(chunks), expected, `chunks of play ${i + n}`);
      }),
    );
  }
});

/** Returns the events of a socket whose response has these chunks, each read alone. */
async function readIn(chunks: readonly Uint8Array[]): Promise<unknown[]> {
  let isFirst = true;
  const pulled = [...chunks];
  const fetch = () => {
    if (!isFirst) return new Promise<Response>(() => {}); // the test ends before the next response
    isFirst = false;
    const body = new ReadableStream({
      pull: (controller) => pulled.length ? controller.enqueue(pulled.shift()) : controller.close(),
    }, { highWaterMark: 0 });
    return Promise.resolve(
      new Response(body, { headers: { "content-type": "text/event-stream" } }),
    );
  };
  const socket = new WebSocketSSE("ws://a.example", [], {
    fetch: fetch as typeof globalThis.fetch,
  });
  socket.binaryType = "arraybuffer";
  const events = recorded(socket);
  await until("the last message", () => events.at(-1) === "last");
  socket.close();
  return events.map((it) => it instanceof ArrayBuffer ? [...new Uint8Array(it)] : it);
}

Deno.test("WebSocketSSE returns bytes in the type of binaryType", async () => {
  const line = new Line().open();
  await using server = serving(line);
  const socket = new WebSocketSSE(server.url);
  await heard(socket, "open");
  line.event(btoa("ab"), "binary");
  const { data, origin } = await heard(socket, "message");
  assert.ok(data instanceof Blob);
  assert.equal(await data.text(), "ab");
  assert.equal(origin, new URL(server.url.replace("http", "ws")).origin);
  socket.binaryType = "arraybuffer";
  line.event(btoa("cd"), "binary");
  const buffer = (await heard(socket, "message")).data;
  assert.ok(buffer instanceof ArrayBuffer);
  assert.deepEqual([...new Uint8Array(buffer)], [99, 100]);
  line.close(1000);
  await closed(socket);
});

Deno.test("WebSocketSSE dispatches each message in its own task, after the microtasks of the previous one", async () => {
  const line = new Line().open().raw("");
  for (let i = 0; i < 5; i++) line.event(`${i}`);
  line.close(1000);
  await using server = serving(line);
  const socket = new WebSocketSSE(server.url);
  const steps: string[] = [];
  socket.onmessage = async ({ data }) => {
    steps.push(`${data} begins`);
    for (let i = 0; i < 10; i++) await undefined;
    steps.push(`${data} ends`);
  };
  await closed(socket);
  assert.deepEqual(steps, [0, 1, 2, 3, 4].flatMap((i) => [`${i} begins`, `${i} ends`]));
});

const INVALID: readonly (readonly [what: string, event: string])[] = [
  ["a text that is no JSON", "id: t.1\nevent: json\ndata: {\n\n"],
  ["a number in place of a text", "id: t.1\nevent: json\ndata: 5\n\n"],
  ["bytes that are no base64", "id: t.1\nevent: binary\ndata: ***\n\n"],
  ["a resume without a number", "event: resume\ndata: null\n\n"],
  ["a close that is no JSON", "id: closed\nevent: close\ndata: {\n\n"],
  ["a second start", "id: t.1\nevent: start\ndata: {}\n\n"],
  ["a close without a code", 'id: closed\nevent: close\ndata: {"reason":""}\n\n'],
];

for (const [what, event] of INVALID) {
  Deno.test(`WebSocketSSE closes with 1006 at an invalid event: ${what}`, async () => {
    const line = new Line().open().raw(event);
    const later = new Line(2).resume(0).event("later").close(4001);
    await using server = serving(line, later);
    const socket = new WebSocketSSE(server.url);
    const events = recorded(socket);
    const { code, reason } = await closed(socket);
    assert.equal(code, 1006);
    assert.match(reason, /invalid event/);
    assert.deepEqual(events, ["open", "error", "close 1006"]);
    assert.equal(server.by("GET").length, 1, "the client must not go on without the message");
  });
}

Deno.test("WebSocketSSE closes with 1006 if the server's token cannot be sent in a header", async () => {
  const start = JSON.stringify({ protocol: "", heartbeat: 15_000, grace: 300 });
  const token = "\u{1f600}";
  for (const end of [(line: Line) => line.end(), (line: Line) => line.close(4001)]) {
    const line = new Line().raw(`id: ${token}.0\nevent: start\ndata: ${start}\n\n`);
    await using server = serving(line);
    const socket = new WebSocketSSE(server.url);
    const events = recorded(socket);
    await heard(socket, "open");
    socket.send("never arrives");
    end(line);
    const { code } = await closed(socket);
    assert.ok([1006, 4001].includes(code), `${code}`);
    assert.equal(events.at(-1), `close ${code}`);
  }
});

Deno.test("WebSocketSSE closes with the server's code even if `fetch` throws at the answer", async () => {
  const line = new Line().open();
  await using server = serving(line);
  let calls = 0;
  const fails = (...request: Parameters<typeof fetch>) => {
    if (calls++ > 0) throw new Error("not now");
    return fetch(...request);
  };
  const opening = new WebSocketSSE(server.url, [], { fetch: fails });
  await heard(opening, "open");
  line.close(4001);
  assert.equal((await closed(opening)).code, 4001);
});

for (const heartbeat of [2_147_483_647, 0, -5, "soon", null]) {
  Deno.test(`WebSocketSSE keeps its stream if the server reports a heartbeat of ${heartbeat}`, async () => {
    const line = new Line(0, { "onepeer-heartbeat": `${heartbeat}` }).open({ heartbeat });
    await using server = serving(line);
    const socket = new WebSocketSSE(server.url);
    await heard(socket, "open");
    for (let i = 0; i < 5; i++) {
      await new Promise((go) => setTimeout(go, 5)); // longer than the shortest timer
      line.event(`${i}`);
      assert.equal((await heard(socket, "message")).data, `${i}`);
    }
    line.close(4001);
    assert.equal((await closed(socket)).code, 4001);
    assert.equal(server.by("GET").length, 1);
  });
}

Deno.test("WebSocketSSE reads the content type in any case, and no type that only begins like it", async () => {
  await using server = serving(
    new Line(0, { "content-type": "Text/Event-Stream" }).open().close(4001),
    new Line(0, { "content-type": "text/event-streams" }).open().close(4001),
  );
  assert.equal((await closed(new WebSocketSSE(server.url))).code, 4001);
  assert.equal((await closed(new WebSocketSSE(server.url))).code, 1006);
});

Deno.test("WebSocketSSE resumes after a broken connection without lost or repeated messages", async () => {
  const first = new Line().open().event("1").event("2").raw("id: t.3\ndata: ha");
  const second = new Line(1).resume(0).event("1").event("2").event("3"); // repeats events that the client has
  const third = new Line(4).resume(0).event("4").close(4001);
  await using server = serving(first, second, new Response("bad gateway", { status: 502 }), third);
  const socket = new WebSocketSSE(server.url, "chat");
  const events = recorded(socket);
  await until("2", () => events.includes("2"));
  first.cut();
  await until("3", () => events.includes("3"));
  second.end();
  await closed(socket);
  assert.deepEqual(events, ["open", "1", "2", "3", "4", "close 4001"]);
  assert.deepEqual(lastIds(server), [null, "t.2", "t.3", "t.3"]);
  const offers = server.by("GET").map(({ headers }) => headers.get("onepeer-protocols"));
  assert.deepEqual(offers, ["chat", null, null, null], "offered subprotocols of each GET");
});

Deno.test("WebSocketSSE closes with one error and 1006 if it cannot reconnect within the grace period", async () => {
  const line = new Line().open({ grace: 300 });
  await using server = serving(line);
  const socket = new WebSocketSSE(server.url);
  const events = recorded(socket);
  await heard(socket, "open");
  const begin = performance.now();
  line.end();
  await closed(socket);
  assert.ok(performance.now() - begin >= 290, "the client gave up too early");
  assert.deepEqual(events, ["open", "error", "close 1006"]);
  assert.ok(server.by("GET").length > 2, "the client did not try to reconnect");
});

Deno.test("WebSocketSSE does not reconnect after a session has ended for good", async () => {
  const recovery = new Line(9).close(1006, "recovery failed");
  const ends: [string, Line | Response, string][] = [
    ["a session that the server cannot resume", recovery, "recovery failed"],
    [
      "an answer of 204",
      new Response(null, { status: 204 }),
      "The server answered with 204",
    ],
    [
      "missing messages",
      new Line(5).resume(0).event("5"),
      "The server has skipped messages",
    ],
  ];
  for (const [name, answer, reason] of ends) {
    const line = new Line().open().event("1");
    await using server = serving(line, answer);
    const socket = new WebSocketSSE(server.url);
    const events = recorded(socket);
    await until("1", () => events.includes("1"));
    line.end();
    assert.deepEqual(await closed(socket), { code: 1006, reason, wasClean: false }, name);
    assert.deepEqual(events, ["open", "1", "error", "close 1006"], name);
    assert.equal(server.by("GET").length, 2, name);
  }
});

Deno.test("WebSocketSSE fails once if the first answer is not an event stream", async () => {
  const refusals = [
    new Response("who are you?", { status: 401 }),
    new Response("<html>", { headers: { "content-type": "text/html" } }),
    Response.redirect("http://a.example"),
    new Response(null, { status: 204 }),
  ];
  for (const refusal of refusals) {
    await using server = serving(refusal, new Line().open());
    const socket = new WebSocketSSE(server.url);
    const events = recorded(socket);
    await closed(socket);
    assert.deepEqual(events, ["error", "close 1006"], String(refusal.status));
    assert.equal(server.asked.length, 1);
  }
});

Deno.test("WebSocketSSE reconnects after two heartbeats without a byte", async () => {
  const dead = new Line().open({ heartbeat: 100 }).event("1");
  const next = new Line(2).resume(0).event("2");
  await using server = serving(dead, next);
  const warnings = await warned(async () => {
    const socket = new WebSocketSSE(server.url);
    const events = recorded(socket);
    await heard(socket, "open");
    const begin = performance.now(), counted = stopwatch();
    for (let i = 0; i < 4; i++) { // heartbeats keep the connection alive
      await new Promise((go) => setTimeout(go, 90));
      dead.raw(":\n\n");
    }
    await until("2", () => events.includes("2"));
    const took = performance.now() - begin, most = counted();
    assert.ok(took > 540 && most < 1_500, `took ${took} ms`);
    await dead.gone;
    next.close(1000);
    await closed(socket);
    assert.deepEqual(events, ["open", "1", "2", "close 1000"]);
  });
  assert.deepEqual(warnings, [], "warnings without a buffering proxy");
  for (const { headers } of server.by("GET")) assert.equal(headers.get("onepeer-delivery"), null);
});

Deno.test("WebSocketSSE uses the server's heartbeat once it arrives", async () => {
  await using server = serving(
    new Line().open({ heartbeat: 50 }),
    new Line(1).resume(0).close(1000),
  );
  const socket = new WebSocketSSE(server.url);
  await heard(socket, "open");
  const counted = stopwatch();
  await closed(socket);
  assert.ok(counted() < 1_500, "the client ignored the server's heartbeat");
});

Deno.test("WebSocketSSE detects a buffering proxy, warns and falls back to polling", async () => {
  const options: WebSocketSSEOptions = { heartbeat: 100 };
  const held = new Line(0, { "onepeer-session": "t" }); // only its headers arrive
  const polls = [
    new Line().open({ heartbeat: 100, protocol: "b" }).end(),
    new Line(1).resume(0).event("1").end(),
    new Line(2).resume(0).raw(":\n\n").end(),
    new Line(2).resume(0).event("2").close(1000),
  ];
  await using server = serving(held, ...polls);
  let reports = 0;
  const begin = performance.now(), counted = stopwatch();
  const warnings = await warned(async () => {
    const onBuffering = () => {
      const took = performance.now() - begin, most = counted();
      assert.ok(took >= 190 && most < 600, `took ${took} ms`);
      reports++;
    };
    const socket = new WebSocketSSE(server.url, ["a", "b"], { ...options, onBuffering });
    const events = recorded(socket);
    await closed(socket);
    assert.deepEqual(events, ["open", "1", "2", "close 1000"]);
    assert.equal(socket.protocol, "b");
  });
  assert.equal(reports, 1);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^onepeer: a proxy before .*\/chat buffers responses/);
  const modes = server.by("GET").map(({ headers }) => headers.get("onepeer-delivery"));
  assert.deepEqual(modes, [null, "poll", "poll", "poll", "poll"]);
  assert.deepEqual(lastIds(server), [null, "t.-1", "t.0", "t.1", "t.1"]);
});

Deno.test("WebSocketSSE fails if the server does not answer polls either", async () => {
  await using server = serving(new Line(), new Line());
  const warnings = await warned(async () => {
    const socket = new WebSocketSSE(server.url, [], { heartbeat: 50 });
    assert.equal((await closed(socket)).code, 1006);
  });
  assert.deepEqual(warnings, [], "warnings about a proxy, though polling did not help");
  assert.equal(server.by("GET").length, 2);
});

Deno.test("WebSocketSSE with delivery poll polls from the start", async () => {
  await using server = serving(new Line().open().end(), new Line(1).resume(0).close(1000));
  const socket = new WebSocketSSE(server.url, [], { delivery: "poll" });
  await closed(socket);
  const modes = server.by("GET").map(({ headers }) => headers.get("onepeer-delivery"));
  assert.deepEqual(modes, ["poll", "poll"]);
});

/** Returns the warnings on the console during `work`. */
async function warned(act: () => Promise<void>): Promise<string[]> {
  const { warn } = console;
  const warnings: string[] = [];
  console.warn = (text: string) => void warnings.push(text);
  try {
    await act();
  } finally {
    console.warn = warn;
  }
  return warnings;
}

Deno.test("WebSocketSSE cancels a response with an invalid event", async () => {
  const line = new Line();
  await using server = serving(line);
  const socket = new WebSocketSSE(server.url);
  line.open();
  await heard(socket, "open");
  line.event("{", "json");
  assert.equal((await closed(socket)).code, 1006);
  await line.gone;
});
