import assert from "node:assert/strict";
import { TestSocket } from "./harness/clients/test_socket.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";
import { TimeLimit } from "./harness/time_limit.ts";
import { fixture, runtimes } from "./runtimes/native.ts";

const bun = runtimes.find(({ name }) => name === "bun")!;
const command = await bun.command(fixture("bun_hot"));

if ("missing" in command) console.error(`NOT RUN: needs ${command.missing}: bun --hot`);

Deno.test({
  name:
    "bun --hot: a client of the code before a reload gets 1012, and the new code serves the next",
  ignore: "missing" in command,
  async fn() {
    const [program, path] = command as readonly [string, string];
    const live = path.replace(/\.mjs$/, ".live.mjs"), source = await Deno.readTextFile(path);
    await Deno.writeTextFile(live, source);
    await using server = await ServerProcess.start([program, "--hot", "--no-clear-screen", live]);
    const url = `ws://127.0.0.1:${server.port}/`;
    const early = await new TestSocket(url, {}).opened();
    early.send("hi");
    assert.equal(await early.text(), "1 hi");

    await Deno.writeTextFile(live, `${source}\n// changed`);
    await printed(server, /LOADED/);

    early.send("still here?");
    assert.equal((await early.closed).code, 1012);
    await printed(server, /^CLOSE 1 1012$/m); // by the hook of the code before
    assert.match(await greeting(url), /^[2-9] hi$/);
  },
});

/** Returns the answer to a greeting. Connects again if the server has loaded its code once more. */
async function greeting(url: string): Promise<string> {
  const socket = await new TestSocket(url, {}).opened();
  socket.send("hi");
  const answer = await Promise.race([socket.closed, socket.text().catch(() => socket.closed)]);
  if (typeof answer !== "string") return answer.code === 1012 ? greeting(url) : `${answer.code}`;
  socket.socket.terminate();
  return answer;
}

async function printed(server: ServerProcess, text: RegExp): Promise<void> {
  const limit = new TimeLimit(10_000);
  while (!text.test(server.output) && !limit.isOver) await limit.pause();
  assert.match(server.output, text);
}
