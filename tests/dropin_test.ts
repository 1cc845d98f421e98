import assert from "node:assert/strict";
import { exists, run, tool } from "../scripts/npm/command.ts";
import { NpmPackage } from "../scripts/npm/package.ts";
import {
  everythingProgram,
  graphqlProgram,
  h3Program,
  nodeProgram,
  typedProgram,
} from "./dropin/programs.ts";
import { clusterProgram, syncProgram, typedSyncProgram } from "./dropin/sync_programs.ts";
import { type Runtime, runtimes } from "./runtimes/native.ts";
import { versionOf } from "./runtimes/versions.ts";

/**
 * Packages of the project in which applications for crossws 0.4 run. The tests also install this
 * library in the project, once, packed as for npm and under the name of crossws.
 */
const DEPENDENCIES = [
  "@types/node",
  "@types/ws",
  "graphql",
  "graphql-ws",
  "h3",
  "srvx",
  "ws",
] as const;

interface Application {
  readonly fact: string;
  readonly program: string;
  /** Expected output at exit: a line for each part that ran. */
  readonly says: string;
  /** Names of runtimes. */
  readonly on: readonly string[];
}

const applications: readonly Application[] = [
  {
    fact: "graphql-ws runs on the adapter and on the server",
    program: graphqlProgram,
    says: "graphql-ws over the adapter\ngraphql-ws over the server\n",
    on: ["deno", "node22", "bun"],
  },
  {
    fact: "h3 runs with the plugin for srvx, and on the server",
    program: h3Program,
    says: "h3 over the plugin with resolve\nh3 over the plugin\nh3 over the server\n",
    on: ["deno", "node22", "bun"],
  },
  {
    fact: "every method of crossws behaves as its documentation says",
    program: everythingProgram,
    says: "every call\n",
    on: ["deno", "node22", "bun", "uws"],
  },
  {
    fact: "another library with noServer can accept upgrades, and options of ws reach ws",
    program: nodeProgram,
    says: "only on Node\n",
    on: ["node22"],
  },
  {
    fact: "nodes hear each other over a driver of the user, and over a BroadcastChannel",
    program: syncProgram,
    says: "a driver of the user\na BroadcastChannel\nfailures\n",
    on: ["deno", "node20", "node22", "bun", "uws"],
  },
  {
    fact: "the workers of node:cluster hear each other",
    program: clusterProgram,
    says: "two workers\n",
    on: ["deno", "node20", "node22", "bun"],
  },
];

const hasNpm = await exists("npm");
let project: URL | undefined;

Deno.test.beforeAll(async () => {
  if (!hasNpm) return;
  await using built = await NpmPackage.build();
  project = new URL(`file://${await Deno.makeTempDir({ prefix: "onepeer-dropin-" })}/`);
  const manifest = {
    private: true,
    type: "module",
    dependencies: {
      ...Object.fromEntries(DEPENDENCIES.map((name) => [name, versionOf(name)])),
      crossws: `file:${built.tarball}`,
    },
  };
  await Deno.writeTextFile(new URL("package.json", project), JSON.stringify(manifest));
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--no-package-lock"];
  await run("npm", ["install", ...quiet], { cwd: project });
  for (const [i, { program }] of applications.entries()) {
    await Deno.writeTextFile(new URL(`application${i}.js`, project), program);
  }
});
Deno.test.afterAll(async () => {
  if (project) await Deno.remove(project, { recursive: true });
});

/** Returns the words before a program's path, or the tool that is missing. */
async function commandOf(runtime: Runtime): Promise<readonly string[] | { missing: string }> {
  if (!hasNpm) return { missing: "npm" };
  const command = await runtime.command();
  return "missing" in command ? command : command.slice(0, -1);
}

for (const runtime of runtimes) {
  const command = await commandOf(runtime);
  for (const [i, { fact, says, on }] of applications.entries()) {
    if (!on.includes(runtime.name)) continue;
    const name = `drop-in for crossws, ${runtime.title}: ${fact}`;
    if ("missing" in command) console.error(`NOT RUN: needs ${command.missing}: ${name}`);
    Deno.test({
      name,
      ignore: "missing" in command,
      async fn() {
        const [first, ...words] = command as readonly string[];
        const path = new URL(`application${i}.js`, project).pathname;
        const output = await run(first!, [...words, path], { cwd: project!, timeout: 20_000 });
        assert.equal(output, says);
      },
    });
  }
}

const typedPrograms = {
  "an application": typedProgram,
  "an application with the option sync": typedSyncProgram,
};
for (const [what, program] of Object.entries(typedPrograms)) {
  const typed = `drop-in for crossws: ${what} for crossws compiles unchanged`;
  if (!hasNpm) console.error(`NOT RUN: needs npm: ${typed}`);
  Deno.test({
    name: typed,
    ignore: !hasNpm,
    async fn() {
      await Deno.writeTextFile(new URL("typed.ts", project), program);
      const words =
        "--strict --noEmit --skipLibCheck --target es2022 --module nodenext --types node";
      await run(tool("tsc"), [...words.split(" "), "typed.ts"], { cwd: project! });
    },
  });
}
Deno.test({
  name: "drop-in for crossws: the declarations of graphql-ws find all their imports",
  ignore: !hasNpm,
  async fn() {
    const program = 'export * from "graphql-ws/use/crossws";';
    await Deno.writeTextFile(new URL("declarations.ts", project), program);
    const words = "--strict --noEmit --target es2022 --module nodenext --types node";
    await run(tool("tsc"), [...words.split(" "), "declarations.ts"], { cwd: project! });
  },
});
