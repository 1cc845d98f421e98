import type { Check } from "./check.ts";
import { run, tool } from "./command.ts";
import { compile } from "./compile.ts";
import { entries, NPM_NAME, ROOT } from "./config.ts";
import { typedProgram } from "./programs.ts";

/** Checks that consumers can compile against the package, without `skipLibCheck`. */
export const typeChecks: readonly Check[] = [
  consumer("on Node", ["--types", "node"]),
  consumer("on Node, without the DOM's types", ["--types", "node", "--lib", "es2023"]),
  consumer("of the core, without any runtime's types", ["--types", ""], [NPM_NAME]),
  {
    name: "the source for Node uses nothing that Node 20 lacks",
    // `lib` of tsconfig.npm.json lists the globals of Node 20.
    run: async () =>
      await compile([entries["."]!, entries["./adapters/node"]!, entries["./server/node"]!], {
        noEmit: true,
        noCheck: false,
        strict: true,
        skipLibCheck: true, // skips the declarations of dependencies
        typeRoots: [new URL("node_modules/@types", ROOT).pathname],
        types: ["node"],
      }),
  },
];

/** A consumer of all entry points, or of the given ones. */
function consumer(title: string, options: string[], entries?: readonly string[]): Check {
  return {
    name: `the declarations compile for a consumer ${title}`,
    async run(built) {
      const project = await built.projectWithPeers();
      const program = typedProgram(entries ?? built.specifiers);
      await Deno.writeTextFile(new URL("consumer.ts", project), program);
      const strict = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext"];
      await run(tool("tsc"), [...strict, ...options, "consumer.ts"], { cwd: project });
    },
  };
}
