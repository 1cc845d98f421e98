/**
 * Checks the documentation of every entry point: runs `deno doc --lint`, requires an `@module` doc
 * with an example, and runs all examples.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };

const entries = Object.values(config.exports);
const published = config.publish.include;

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
  for await (const file of modulesBelow("./")) {
    if ((await Deno.readTextFile(file)).includes("@example")) found.push(file);
  }
  return found;
}

async function* modulesBelow(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = folder + name;
    if (isDirectory && published.includes(`${path.slice(2)}/`)) yield* modulesBelow(`${path}/`);
    else if (isDirectory && folder !== "./") yield* modulesBelow(`${path}/`);
    else if (name.endsWith(".ts")) yield path;
  }
}

async function run(...args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (success) return console.log(text.trim().split("\n").at(-1));
  console.error(text);
  Deno.exit(1);
}
