import config from "../deno.json" with { type: "json" };
import { packages } from "./packages.ts";
import { benchRuntimes } from "./runtimes.ts";

/** Where and with what the figures came about: nothing that names the machine itself. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  /** By what they are versions of. */
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(): Promise<Machine> {
  const cpus = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const models = [...cpus.matchAll(/^model name\s*:\s*(.*)$/gm)].map(([, model]) => model!);
  const { uWebSockets, ...runtimes } = await runtimeVersions();
  return {
    cpu: models[0] ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    kernel: `${Deno.build.os === "linux" ? "Linux" : Deno.build.os} ${
      /^\d+\.\d+/.exec(Deno.osRelease())?.[0]
    }`,
    versions: {
      onepeer: config.version,
      ...runtimes,
      "uWebSockets.js": uWebSockets ?? "",
      ...packages,
    },
  };
}

/** What each runtime says of itself. */
async function runtimeVersions(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const runtime of benchRuntimes) {
    const [program, ...args] = await runtime.command(
      new URL("servers/versions/versions.ts", import.meta.url),
    );
    const { stdout } = await new Deno.Command(program!, { args }).output();
    Object.assign(found, JSON.parse(new TextDecoder().decode(stdout)));
  }
  return found;
}
