import assert from "node:assert/strict";
import { Client } from "./clients/websocket_client.ts";
import { runtimes } from "./runtimes.ts";
import { ServerProcess } from "./server_process.ts";

const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
const snippets = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
const [program] = snippets;

/** The snippet a visitor sees first, run as it stands; only import and port are made to fit. */
for (const { name, title, command } of runtimes) {
  const file = new URL(`../.cache/readme/${name}.ts`, import.meta.url);
  const server = `server/${name.replace(/\d+$/, "")}.ts`;
  if (!(await exists(new URL(`../${server}`, import.meta.url)))) continue;
  const words = await command(file);
  Deno.test({
    name: `${title}: the README's first program runs as it stands`,
    ignore: "missing" in words,
    async fn() {
      await Deno.mkdir(new URL("./", file), { recursive: true });
      const port = 20_000 + Math.floor(Math.random() * 10_000);
      const fitted = program!
        .replace("@onepeer/onepeer/server/deno", `../../${server}`)
        .replace("port: 3000", `port: ${port}`);
      assert.notEqual(fitted, program);
      await Deno.writeTextFile(file, `${fitted}\nconsole.log("LISTENING ${port}");\n`);
      const server = await ServerProcess.start(words as string[]);
      const a = await dial(server.port), b = await dial(server.port);
      a.send("hello");
      assert.equal(await b.text(), "hello");
      a.close();
      b.close();
      await Promise.all([a.closed, b.closed]);
      await server.stop("SIGTERM");
    },
  });
}

/** The program does not say when it listens, so this asks again until it does. */
async function dial(port: number): Promise<Client> {
  for (let attempt = 0;; attempt++) {
    try {
      return await new Client(`ws://127.0.0.1:${port}`, {}).opened();
    } catch (error) {
      if (attempt === 40) throw error;
      await new Promise((go) => setTimeout(go, 50));
    }
  }
}

Deno.test("the README's first screen has two commands, and they exist", async () => {
  const { default: config } = await import("../deno.json", { with: { type: "json" } });
  const commands = [...readme.matchAll(/npx -y deno@2\.9\.6 task (\w+)/g)].map(([, task]) => task!);
  assert.deepEqual(commands, ["demo", "test"]);
  for (const task of commands) assert.ok(task in config.tasks, task);
});

async function exists(file: URL): Promise<boolean> {
  return await Deno.stat(file).then(() => true, () => false);
}
