import config from "../deno.json" with { type: "json" };
import { packages } from "./packages.ts";
import type { BenchRuntime } from "./runtimes.ts";

const PROGRAM = new URL("servers/versions/versions.ts", import.meta.url);

/** Hardware and software of the measurement, without a name of the machine. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  /** Versions, by the name of the software. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Describes this machine, and asks the given runtimes for their versions. */
export async function describeMachine(runtimes: readonly BenchRuntime[]): Promise<Machine> {
  const cpus = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const found = await Promise.all(runtimes.map(versionsOf));
  return {
    cpu: /^model name\s*:\s*(.*)$/m.exec(cpus)?.[1] ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    kernel: `Linux ${/^\d+\.\d+/.exec(Deno.osRelease())?.[0]}`,
    versions: { onepeer: config.version, ...Object.assign({}, ...found), ...packages },
  };
}

async function versionsOf(runtime: BenchRuntime): Promise<Readonly<Record<string, string>>> {
  if (runtime.versions) return runtime.versions;
  const [program, ...args] = await runtime.command(PROGRAM);
  const { stdout } = await new Deno.Command(program!, { args }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}
