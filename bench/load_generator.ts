/** The report of one window of one server. Times are seconds of CPU or wall time. */
export interface Window {
  readonly scenario: "echo" | "publish" | "posts" | "handshakes";
  readonly round: number;
  readonly wall: number;
  readonly cpu: number;
  readonly ownCpu: number;
  /** CPU time of all programs of the machine. */
  readonly machineCpu: number;
  readonly messages: number;
}

/** Memory of one server with a number of idle peers. */
export interface IdleStep {
  readonly scenario: "idle";
  readonly connections: number;
  readonly rssKib: number;
}

/** Memory of one server while some subscribers do not read. Before time 0 all of them read. */
export interface SlowSample {
  readonly scenario: "slow";
  readonly time: number;
  readonly rssKib: number;
  /** Seconds by which the server is late for fast subscribers. Lateness costs memory, too. */
  readonly behind: number;
}

/** The end of a run with slow readers. */
export interface SlowEnd {
  readonly scenario: "slow";
  readonly published: number;
  readonly slowReceived: number;
  readonly rssKib: number;
  /** Close codes of the slow readers that the server closed; 0 without a close frame. */
  readonly closeCodes: readonly number[];
}

/** Errors since the previous line. */
interface Errors {
  /** Name of the server. */
  readonly name: string;
  readonly lost?: number;
  readonly closed?: number;
  readonly wrong?: number;
}

export type Line = (Window | IdleStep | SlowSample | SlowEnd) & Errors;

const SOURCES = new URL("load_generator/", import.meta.url);
const BINARY = new URL("../.cache/load_generator", import.meta.url);
const FLAGS = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror"];
/** Milliseconds until a run fails; the longest run takes a minute. */
const TIMEOUT_MS = 180_000;

/** Whether this machine has a C compiler. */
export async function hasCompiler(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("cc", { args: ["--version"] }).output();
    return success;
  } catch {
    return false;
  }
}

/** Compiles the load generator, and returns its path. */
export async function compileLoadGenerator(): Promise<string> {
  const names = await Array.fromAsync(Deno.readDir(SOURCES), ({ name }) => name);
  const sources = names.filter((name) => name.endsWith(".c")).sort();
  await Deno.mkdir(new URL("./", BINARY), { recursive: true });
  const args = [...FLAGS, "-o", BINARY.pathname, ...sources];
  const { success, stderr } = await new Deno.Command("cc", { args, cwd: SOURCES }).output();
  if (!success) throw new Error(`cc failed: ${new TextDecoder().decode(stderr)}`);
  return BINARY.pathname;
}

/**
 * Runs the load generator, and returns its lines.
 *
 * @throws {Error} if a message was lost, a connection was closed, or the generator could not run.
 */
export async function load(binary: string, args: readonly string[]): Promise<Line[]> {
  const { success, stdout, stderr } = await new Deno.Command(binary, {
    args: [...args],
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).output();
  const decoder = new TextDecoder();
  const lines = decoder.decode(stdout).split("\n").filter(Boolean)
    .map((text): Line => JSON.parse(text));
  if (success) return lines;
  const errors = lines.filter(({ lost, closed, wrong }) => lost || closed || wrong)
    .map(({ name, lost, closed, wrong }) =>
      `${name}: ${lost} messages lost, ${closed} connections closed, ${wrong} frames wrong`
    );
  throw new Error([decoder.decode(stderr).trim(), ...errors].join("\n"));
}
