import assert from "node:assert/strict";
import type { ClientHttp2Session, IncomingHttpHeaders } from "node:http2";
import type { Case } from "../fixtures/case.ts";

/** Sends a request over HTTP/2, which has `:authority` and no `host`. Returns the response head. */
async function ask(
  session: ClientHttp2Session,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<IncomingHttpHeaders> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingHttpHeaders>();
  const stream = session.request(headers, { endStream: body === undefined });
  stream.on("response", resolve);
  stream.on("error", reject);
  session.on("error", reject);
  session.on("close", reject);
  if (body !== undefined) stream.end(body);
  return await promise;
}

/**
 * Checks that a server knows its own host and the hosts of other pages over HTTP/2.
 *
 * @param opened called after the first response.
 */
export async function checkHttp2(
  { origin, pathname }: URL,
  { ca, opened }: { readonly ca?: string; readonly opened?: () => Promise<void> } = {},
): Promise<void> {
  // Only the client half imports it: workerd of 2025, which runs server halves, lacks node:http2.
  const { connect } = await import("node:http2");
  const session = connect(origin, ca === undefined ? {} : { ca });
  try {
    const asked = { ":path": pathname, accept: "text/event-stream" };
    const cookie = "a=1";
    const first = await ask(session, { ...asked, cookie, origin });
    assert.equal(first[":status"], 200);
    await opened?.();
    const own = await ask(session, asked);
    const statuses = [];
    for (const page of [origin, "http://evil.example"]) {
      const posted = await ask(session, {
        ":path": pathname,
        ":method": "POST",
        origin: page,
        "content-type": "text/plain",
        "onepeer-session": `${own["onepeer-session"]}`,
        "onepeer-sequence": "1",
      }, "x");
      statuses.push(posted[":status"]);
    }
    assert.deepEqual(statuses, [204, 403]);
    const foreign = await ask(session, { ...asked, cookie, origin: "http://evil.example" });
    assert.equal(foreign[":status"], 403);
  } finally {
    session.destroy();
  }
}

/** SSE3: requests over HTTP/2. */
export const sseHttp2: readonly Case[] = [
  {
    id: "SSE3.http2",
    fact: "over HTTP/2, which has no Host header, :authority is the host of the server",
    server: (server) => ({
      hooks: {
        open: ({ request }) =>
          server.log("open", new URL(request.url).host, request.headers.get("host")),
      },
    }),
    async run(client) {
      const authority = `127.0.0.1:${client.port}`;
      await checkHttp2(new URL(client.path(), `http://${authority}`), {
        async opened() {
          assert.deepEqual((await client.logged("open"))[0]!.data, [authority, authority]);
        },
      });
    },
  },
];
