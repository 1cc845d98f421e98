import assert from "node:assert/strict";
import pg from "pg";
import postgresJs from "postgres";
import { pgsql, postgres, type PostgresOptions } from "../../../../sync/postgres.ts";

const connect = () => new pg.Client();

Deno.test("postgres() takes clients of each library, and the options of crossws", () => {
  const accepted: readonly PostgresOptions[] = [
    { connect, prefix: "chat" },
    { connect: () => Promise.resolve(connect()), prefix: "chat", required: true },
    { client: connect(), prefix: "chat" },
    { client: postgresJs(), channel: "chat" },
    { client: connect(), channel: "chat", connector: "pg" },
    { client: postgresJs(), channel: "chat", connector: "postgres.js", required: undefined },
    { url: "postgres://127.0.0.1:1", prefix: "x".repeat(1000) },
    { url: "postgresql://user:password@127.0.0.1:1/database", prefix: '";--' },
  ];
  for (const options of accepted) {
    assert.ok("link" in postgres(options)({ id: "0011223344556677" }));
  }
  assert.equal(pgsql, postgres);
});

Deno.test("postgres() throws at the call for a wrong option, and says what was found", () => {
  const prefix = "chat", client = connect();
  const table: [options: unknown, found: RegExp][] = [
    [undefined, /the options as they must be an object: found undefined/],
    [{ connect, prefix, name: "x" }, /Cannot use name as there is no such option: known are chan/],
    [
      { connect },
      /Cannot use prefix \(or channel\) as it must be a string that is not empty: .* undefined/,
    ],
    [{ connect, prefix: "" }, /as it must be a string that is not empty/],
    [{ connect, channel: 5 }, /Cannot use channel .* current value is "?5"?/],
    [{ connect, prefix, channel: "x" }, /Cannot use channel and prefix together/],
    [{ connect, prefix, required: 1 }, /Cannot use required .* a boolean: current value is "?1"?/],
    [{ prefix }, /one of connect, client and url must be given: found none/],
    [{ prefix, connect, client }, /must be given: found connect and client/],
    [{ prefix, url: "postgres://h", client }, /must be given: found client and url/],
    [{ connect: connect(), prefix }, /Cannot use connect as it must be a function: found object/],
    [{ connect, prefix, connector: "pg" }, /Cannot use connector without client/],
    [
      { client, prefix, connector: "pg-native" },
      /"pg" or "postgres.js": current value is "?pg-native"?/,
    ],
    [
      { client, prefix, connector: "postgres.js" },
      /a client of postgres.js: .* without unsafe\(\)/,
    ],
    [{ client: postgresJs(), prefix, connector: "pg" }, /a Client of pg: found an object without/],
    [{ client: new pg.Pool(), prefix }, /must be a Client of pg: found a Pool/],
    [
      { client: {}, prefix },
      /Cannot use client as it must be a Client of pg: .* without query\(\)/,
    ],
    [{ client: null, prefix }, /must be a Client of pg: found null/],
    [{ client: "postgres://u:secret@h", prefix }, /must be a Client of pg: found string/],
    [{ url: 5, prefix }, /begin with postgres:\/\/ or postgresql:\/\/: found number/],
    [{ url: "mysql://u:secret@h", prefix }, /found mysql:/],
    [{ url: "secret", prefix }, /found a text that is no URL/],
  ];
  for (const [options, found] of table) {
    assert.throws(() => postgres(options as PostgresOptions), (error) => {
      assert.ok(error instanceof TypeError, `${error}`);
      assert.match(error.message, found);
      assert.doesNotMatch(error.message, /secret/, "a password stays unsaid");
      return true;
    }, `${found}`);
  }
});
