import { certificate, hasOpenssl } from "./harness/processes/certificate.ts";
import { installed } from "./harness/processes/middlebox.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";
import { chosenRuntimes, runtimesOf } from "./harness/runtime_suites.ts";
import { defaultFacts } from "./middleboxes/defaults.ts";
import { documentedFacts } from "./middleboxes/documented.ts";
import { idleFacts } from "./middleboxes/idle.ts";
import { type Fact, HEARTBEAT_MS, PING_MS } from "./middleboxes/scene.ts";
import { fixture } from "./runtimes/native.ts";

/** Servers behind real proxies, with the configurations of docs/deployment.md and with others. */
const facts: readonly Fact[] = [...idleFacts, ...documentedFacts, ...defaultFacts];
const tls = hasOpenssl ? await certificate() : undefined;

for (const runtime of chosenRuntimes(runtimesOf.middleboxes)) {
  const command = await runtime.command(fixture("behind_proxy"));
  const missingRuntime = "missing" in command ? command.missing : undefined;
  const tests: { fact: Fact; run: () => Promise<void> }[] = [];
  let server: ServerProcess | undefined;

  for (const name of ["nginx", "HAProxy"] as const) {
    const missing = !installed.includes(name) ? name : tls ? missingRuntime : "openssl";
    if (missing) console.error(`NOT RUN: needs ${missing}: ${runtime.title} behind ${name}`);
    for (const [index, fact] of facts.entries()) {
      if (fact.only && fact.only !== name) continue;
      let result: Promise<void> | undefined;
      const path = `/${name}-${index}`;
      const run = () => result ??= fact.run({ name, server: server!, path, certificate: tls! });
      if (!missing) tests.push({ fact, run });
      // A quiet run shows the names of tests, but not what the file prints.
      const why = missing ? ` (NOT RUN: needs ${missing})` : "";
      Deno.test({
        name: `${runtime.title} behind ${name}: ${fact.fact}${why}`,
        ignore: missing !== undefined,
        // The output of the server, which all tests share, is read meanwhile.
        sanitizeOps: false,
        sanitizeResources: false,
        async fn() {
          server ??= await ServerProcess.start([
            "env",
            `PING_MS=${PING_MS}`,
            `HEARTBEAT_MS=${HEARTBEAT_MS}`,
            ...command as readonly string[],
          ]);
          if (fact.waits) {
            for (const { fact, run } of tests) if (fact.waits) run().catch(() => {});
          }
          await run();
        },
      });
    }
  }

  Deno.test.afterAll(async () => await server?.stop());
}
