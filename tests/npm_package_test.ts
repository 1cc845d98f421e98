import { npmChecks } from "../scripts/npm/checks.ts";
import { exists } from "../scripts/npm/command.ts";
import { NpmPackage } from "../scripts/npm/package.ts";

/** The npm package, built as for publishing. Each check is a test. */
const hasNpm = await exists("npm");
let built: NpmPackage | undefined;

Deno.test.beforeAll(async () => {
  if (hasNpm) built = await NpmPackage.build();
});
Deno.test.afterAll(async () => await built?.[Symbol.asyncDispose]());

for (const { name, missing, run } of await npmChecks()) {
  const lacking = hasNpm ? missing : "npm";
  if (lacking) console.error(`NOT RUN: needs ${lacking}: npm package: ${name}`);
  Deno.test({
    name: `npm package: ${name}`,
    ignore: lacking !== undefined,
    fn: async () => void await run(built!),
  });
}
