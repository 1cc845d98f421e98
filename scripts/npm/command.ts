/** Options of {@linkcode run}. */
export interface RunOptions {
  readonly cwd?: URL;
  /** After so many milliseconds the command is killed. */
  readonly timeout?: number;
}

/**
 * Runs a command, and returns what it printed.
 *
 * @throws {Error} with all of its output, where it fails or takes too long.
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
  const how = signal ? `ended by ${signal} (it may take ${timeout} ms)` : "failed";
  throw new Error(`${command} ${args.join(" ")} ${how}:\n${out}${decoder.decode(stderr)}`);
}

/** The path of a development tool. */
export function tool(name: string): string {
  return new URL(`../../node_modules/.bin/${name}`, import.meta.url).pathname;
}

/** Whether there is such a command on this machine. */
export async function exists(command: string): Promise<boolean> {
  return await run(command, ["--version"]).then(() => true, () => false);
}
