import { ServerProcess } from "../tests/harness/processes/server_process.ts";
import { pidOf } from "./durable/instance.ts";
import { runInTurn } from "./durable/trials.ts";
import { load } from "./load_generator.ts";
import type { Result } from "./results.ts";
import type { BenchRuntime } from "./runtimes.ts";
import type { Scenario } from "./scenario.ts";
import { serverProgram, toolkits } from "./toolkits.ts";

/** Raises the limit of open files, as a server needs one file per connection. */
const RAISE_LIMIT = 'ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"';
/** The program of the scenario `dispatch`, which needs no server. */
const DISPATCH = new URL("dispatch/dispatch.ts", import.meta.url);

/** Measures a scenario on a runtime, with all of its toolkits side by side. */
export async function measure(
  scenario: Scenario,
  runtime: BenchRuntime,
  generator: string,
): Promise<Result> {
  const start = performance.now();
  const found = scenario.load
    ? { lines: await compare(scenario, scenario.load, runtime, generator) }
    : scenario.trials
    ? { lines: await runInTurn(scenario.trials, scenario.toolkits) }
    : { lines: [], nanoseconds: await dispatch(runtime) };
  return {
    scenario: scenario.name,
    runtime: runtime.name,
    date: new Date().toISOString(),
    seconds: (performance.now() - start) / 1000,
    ...found,
  };
}

async function compare(
  scenario: Scenario,
  { workload, args }: NonNullable<Scenario["load"]>,
  runtime: BenchRuntime,
  generator: string,
): Promise<Result["lines"]> {
  await using servers = new AsyncDisposableStack();
  const descriptions: string[] = [];
  for (const toolkit of toolkits) {
    if (!scenario.toolkits.includes(toolkit.name)) continue;
    if (!toolkit.runtimes.includes(runtime.name)) continue;
    const { name, protocol = workload === "sse" ? workload : [] } = toolkit;
    const command = await runtime.command(serverProgram(toolkit, runtime.name, workload));
    const server = servers.use(
      await ServerProcess.start(["sh", "-c", RAISE_LIMIT, ...command, workload, name]),
    );
    descriptions.push([name, server.port, pidOf(server), protocol].flat().join(":"));
  }
  return await load(generator, [...args, ...descriptions]);
}

async function dispatch(runtime: BenchRuntime): Promise<number[]> {
  const [program, ...args] = await runtime.command(DISPATCH);
  const { success, stdout, stderr } = await new Deno.Command(program!, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
