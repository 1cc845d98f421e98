import assert from "node:assert/strict";
import type { Check } from "./check.ts";
import { run } from "./command.ts";
import type { NpmPackage } from "./package.ts";
import { adapterProgram, requireProgram, serverProgram, sseProgram } from "./programs.ts";
import type { NpmRuntime } from "./runtimes.ts";

/** Checks that run on a runtime. */
export function runtimeChecks(runtime: NpmRuntime): readonly Check[] {
  const { title, command, condition, requiresModules } = runtime;
  const execute = async (project: URL, file: string, program: string) => {
    const path = new URL(file, project);
    await Deno.writeTextFile(path, program);
    const [first, ...words] = command!;
    return await run(first!, [...words, path.pathname], { cwd: project, timeout: 10_000 });
  };
  const checks: Check[] = [{
    name: `${title}: the adapter for Node runs without other packages`,
    run: async (built) => void await execute(await built.project(), "adapter.js", adapterProgram),
  }, {
    name: `${title}: ./server is the server of this runtime, and runs`,
    async run(built) {
      const project = await built.projectWithPeers();
      const resolved = (await execute(project, "server.js", serverProgram)).trim();
      assert.ok(resolved.endsWith(`/server/${condition}.js`), `./server is ${resolved}`);
    },
  }];
  checks.push({
    name: `${title}: the client and the adapter for SSE run`,
    run: async (built) => void await execute(await built.projectWithPeers(), "sse.js", sseProgram),
  });
  if (requiresModules) {
    checks.push({
      name: `${title}: require() loads every entry point`,
      async run(built) {
        const program = requireProgram(built.specifiers, notInstalled(built));
        await execute(await built.projectWithPeers(), "require.cjs", program);
      },
    });
  }
  return command ? checks : checks.map((check) => ({ ...check, missing: title }));
}

/** Optional peers that the test projects do not install. */
function notInstalled({ manifest, installedPeers }: NpmPackage): string[] {
  return Object.keys(manifest.peerDependencies).filter((name) => !installedPeers.includes(name));
}
