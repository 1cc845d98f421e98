import assert from "node:assert/strict";
import { runtimes } from "./runtimes/native.ts";
import { soak } from "./soak/soak.ts";

const SECONDS = 30;
const runtime = runtimes.find(({ name }) => name === "node24")!;
const command = await runtime.command();
const isMissing = "missing" in command;
if (isMissing) {
  console.log(`\n*** ${runtime.title} was NOT soaked: needs ${command.missing} ***\n`);
}

Deno.test({
  name: `${runtime.title}: ${SECONDS} s of mixed load lose no message and leak nothing`,
  ignore: isMissing,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const result = await soak(runtime, SECONDS);
    assert.ok(!("missing" in result));
    assert.deepEqual(result.failures, []);
    assert.ok(result.received > 1000 * SECONDS, `only ${result.received} messages arrived`);
    assert.ok(result.latency.echo.count > 0 && result.latency.publish.count > 0);
  },
});
