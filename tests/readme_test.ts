import assert from "node:assert/strict";
import { TestSocket } from "./harness/clients/test_socket.ts";
import { runtimes } from "./runtimes/native.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";

const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
const snippets = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
const [program] = snippets;

/** The README's first program, unchanged except for its import and port. */
for (const { name, title, command } of runtimes) {
  const server = `server/${name.replace(/\d+$/, "")}.ts`;
  if (!(await exists(new URL(`../${server}`, import.meta.url)))) continue;
  const file = new URL(`../.cache/readme/${name}.ts`, import.meta.url);
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const fitted = program!.replace("@onepeer/onepeer/server", `../../${server}`)
    .replace("port: 3000", `port: ${port}`);
  await Deno.mkdir(new URL("./", file), { recursive: true });
  await Deno.writeTextFile(file, `${fitted}\nconsole.log("LISTENING ${port}");\n`);
  const words = await command(file);
  Deno.test({
    name: `${title}: the README's first program echoes on this runtime`,
    ignore: "missing" in words,
    async fn() {
      const process = await ServerProcess.start(words as string[]);
      const a = await dial(process.port), b = await dial(process.port);
      a.send("hello");
      assert.equal(await b.text(), "hello");
      a.close();
      b.close();
      await Promise.all([a.closed, b.closed]);
      await process.stop("SIGTERM");
    },
  });
}

/** Connects again and again until the program listens, as it prints nothing. */
async function dial(port: number): Promise<TestSocket> {
  for (let attempt = 0;; attempt++) {
    try {
      return await new TestSocket(`ws://127.0.0.1:${port}`, {}).opened();
    } catch (error) {
      if (attempt === 40) throw error;
      await new Promise((go) => setTimeout(go, 50));
    }
  }
}

Deno.test("the README's first program has the import and the port that this test replaces", () => {
  assert.match(program!, /from "@onepeer\/onepeer\/server";/);
  assert.match(program!, /port: 3000/);
});

Deno.test("the two commands on the README's first screen exist as tasks", async () => {
  const { default: config } = await import("../deno.json", { with: { type: "json" } });
  const commands = [...readme.matchAll(/npx -y deno@[\d.]+ task (\w+)/g)].map(([, task]) => task!);
  assert.deepEqual(commands, ["demo", "test"]);
  for (const task of commands) assert.ok(task in config.tasks, task);
});

async function exists(file: URL): Promise<boolean> {
  return await Deno.stat(file).then(() => true, () => false);
}

/** The README's other programs. */
const programs = await Promise.all(
  snippets.slice(1).map(async (code, index) => {
    const file = new URL(`../.cache/readme/program_${index + 2}.ts`, import.meta.url);
    // This project requires explicit types of exports, a user's project need not.
    await Deno.writeTextFile(file, code.replace("export const", "const"));
    return { number: index + 2, title: code.split("\n")[0], path: file.pathname };
  }),
);

Deno.test("the README's programs compile", async () => {
  await deno("check", ...programs.map(({ path }) => path)); // together: the compiler starts once
});

for (const { number, title, path } of programs) {
  Deno.test(`the README's program ${number} runs: ${title}`, async () => {
    await deno("run", "-A", "--no-check", path);
  });
}

async function deno(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

Deno.test("docs/deployment.md shows the configurations that the tests use", async () => {
  const page = await docs("deployment.md");
  for (const [language, path] of [["nginx", "nginx.conf"], ["haproxy", "haproxy.cfg"]]) {
    const shown = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)?.[1];
    assert.equal(shown, await docs(`deployment/${path}`));
  }
});

function docs(path: string): Promise<string> {
  return Deno.readTextFile(new URL(`../docs/${path}`, import.meta.url));
}
