import { runtimes } from "../../tests/runtimes/native.ts";

/** How fast nodes recover over a driver on a runtime: milliseconds of each round. */
export interface Recovery {
  readonly driver: string;
  readonly runtime: string;
  readonly restored: readonly number[];
  readonly detected: readonly number[];
}

const DRIVERS = ["redis-ioredis", "nats", "postgres-pg"];
const RUNTIMES = ["deno", "node24", "bun"];
const PROGRAM = new URL("../../tests/brokers/figures.ts", import.meta.url);

/** Measures each driver on each runtime, one after the other. */
export async function recoveries(): Promise<Recovery[]> {
  const found: Recovery[] = [];
  for (const runtime of runtimes.filter(({ name }) => RUNTIMES.includes(name))) {
    const command = await runtime.command(PROGRAM);
    if ("missing" in command) throw new Error(`Cannot measure without ${command.missing}`);
    for (const driver of DRIVERS) {
      const [program, ...args] = command;
      const { success, stdout } = await new Deno.Command(program!, {
        args: [...args, driver],
        stderr: "inherit",
      }).output();
      if (!success) throw new Error(`The measurement of ${driver} on ${runtime.title} failed`);
      const figures = JSON.parse(new TextDecoder().decode(stdout));
      found.push({ ...figures, driver, runtime: runtime.title });
      console.log(found.at(-1));
    }
  }
  return found;
}
