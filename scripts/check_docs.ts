/**
 * Checks the documentation of every entry point: `deno doc --lint`, an `@module` doc with an
 * example, and all examples executed.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };

const entries = Object.values(config.exports);

for (const entry of entries) {
  const [comment = ""] = /^\/\*\*[\s\S]*?\*\//.exec(await Deno.readTextFile(entry)) ?? [];
  for (const tag of ["@module", "@example"]) {
    if (comment.includes(tag)) continue;
    console.error(`${entry} must begin with a doc comment that has ${tag}`);
    Deno.exit(1);
  }
}

await run("doc", "--lint", "--quiet", ...entries);
await run("test", "-A", "--quiet", "--doc", ...await modulesWithExamples());

async function modulesWithExamples(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ["./", "./adapters/", "./server/", "./websocket/"]) {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile || !name.endsWith(".ts")) continue;
      if ((await Deno.readTextFile(folder + name)).includes("@example")) found.push(folder + name);
    }
  }
  return found;
}

async function run(...args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (success) return console.log(text.trim().split("\n").at(-1));
  console.error(text);
  Deno.exit(1);
}
