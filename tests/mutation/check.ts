import { type Check, partsOf, pathOf } from "./fault.ts";
import type { Tree } from "./tree.ts";

/** A test that failed. */
export interface Failure {
  /** Check that reproduces the failure. */
  readonly check: Check;
  /** Name of the test; `""` if the process crashed or hung. */
  readonly test: string;
  readonly how: "failed" | "crashed" | "hung";
}

export interface CheckOptions {
  /** Runs only the tests of this name. */
  readonly test?: string;
  /** Continues after the first failure. */
  readonly all?: boolean;
}

const TIMEOUT_MS = 120_000, ALL_TIMEOUT_MS = 240_000;
const running = new Set<number>();

/** Runs a part of the tests in a tree. Returns the first failure, or all failures on request. */
export async function runCheck(
  tree: Tree,
  check: Check,
  options: CheckOptions = {},
): Promise<Failure[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: argumentsOf(check, tree, options),
    cwd: tree.folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true, // a separate group, so that all its processes can be ended
  }).spawn();
  running.add(child.pid);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    endGroup(child.pid);
  }, options.all ? ALL_TIMEOUT_MS : TIMEOUT_MS);
  const status = child.status.finally(() => endGroup(child.pid)); // also ends a hung server
  const [{ success }, out, errors] = await Promise.all([
    status,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  clearTimeout(timer);
  running.delete(child.pid);
  if (success) return [];
  if (/did not start|There is no case|is missing:|No test modules found/.test(errors)) {
    throw new Error(`Cannot run ${check}: ${errors.slice(0, 2000)}`);
  }
  const found = [...out.matchAll(/^not ok \d+ - (.*)$/gm)].map((match): Failure => ({
    check: checkOf(check, out, match),
    test: unescape(match[1]!),
    how: "failed",
  }));
  return found.length > 0 ? found : [{ check, test: "", how: isLate ? "hung" : "crashed" }];
}

/** Ends the processes of all running checks. */
export function endAll(): void {
  for (const pid of running) endGroup(pid);
}

function argumentsOf(check: Check, tree: Tree, { test, all = false }: CheckOptions): string[] {
  const { kind, runtime, part } = partsOf(check);
  if (kind === "contract") {
    const prefix = test?.split(":")[0] ?? part;
    return ["run", "-A", "--no-check", "tests/mutation/contract.ts", runtime!, prefix]
      .concat(all ? ["all"] : []);
  }
  const path = pathOf(check, new URL(`file://${tree.folder}/`));
  if (!path) throw new Error(`Cannot run ${check}: the test does not exist`);
  return ["test", "-A", "--no-check", "--quiet", "--reporter=tap", all ? "" : "--fail-fast"]
    .concat(test ? [`--filter=${test}`] : [], path).filter(Boolean);
}

/** Returns the check that runs only the file of a failure. */
function checkOf(check: Check, out: string, { index }: RegExpMatchArray): Check {
  const { kind, part } = partsOf(check);
  if (kind !== "unit" || part) return check;
  const files = [...out.slice(0, index).matchAll(/^# .*\/(\w+)_test\.ts$/gm)];
  const file = files.at(-1)?.[1];
  return file ? `unit ${file}` : check;
}

/** Undoes the escapes of TAP for directives. */
function unescape(name: string): string {
  return name.replaceAll(/\\([\\#])/g, "$1");
}

function endGroup(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch { /* all processes have ended */ }
}
