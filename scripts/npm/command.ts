/** Options of {@linkcode run}. */
export interface RunOptions {
  readonly cwd?: URL;
  /** Milliseconds after which the command is killed. */
  readonly timeout?: number;
}

/**
 * Runs a command, and returns its output.
 *
 * @throws {Error} with the output, if the command fails or takes too long.
 */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, timeout = 60_000 }: RunOptions = {},
): Promise<string> {
  const child = new Deno.Command(command, {
    args: [...args],
    ...(cwd ? { cwd } : {}),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), timeout);
  const { success, signal, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  const out = decoder.decode(stdout);
  if (success) return out;
  const how = signal ? `was ended by ${signal} (time limit ${timeout} ms)` : "failed";
  throw new Error(`${command} ${args.join(" ")} ${how}:\n${out}${decoder.decode(stderr)}`);
}

/** The path of a development tool. */
export function tool(name: string): string {
  return new URL(`../../node_modules/.bin/${name}`, import.meta.url).pathname;
}

/** Whether this machine has a command. */
export async function exists(command: string): Promise<boolean> {
  return await run(command, ["--version"]).then(() => true, () => false);
}
