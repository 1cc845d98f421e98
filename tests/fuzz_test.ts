import { fuzz } from "./fuzz/fuzz_run.ts";
import { replayCommand, shrink, violationLines } from "./fuzz/shrink.ts";
import { chosenRuntimes, runtimesOf } from "./harness/runtime_suites.ts";

// Each run has new histories. `deno task fuzz` replays a given seed.
const SECONDS = 10;

for (const runtime of chosenRuntimes(runtimesOf.fuzz)) {
  const command = await runtime.command();
  const isMissing = "missing" in command;
  if (isMissing) {
    console.log(`\n*** ${runtime.title} was NOT fuzzed: needs ${command.missing} ***\n`);
  }
  Deno.test({
    name: `${runtime.title}: ${SECONDS} s of random clients and hooks break no rule`,
    ignore: isMissing,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      if (isMissing) return;
      const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
      const result = await fuzz(runtime, command, { seed, seconds: SECONDS });
      if (result.frames < 1000) throw new Error(`only ${result.frames} frames were played`);
      if (result.violations.length === 0) return;
      throw new Error(
        [
          `${result.violations.length} violations:`,
          ...violationLines(result),
          await shrink(runtime, command, result),
          `To replay all: ${replayCommand(runtime, seed)}`,
        ].join("\n"),
      );
    },
  });
}
