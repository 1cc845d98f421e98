import { LIBRARY_IS_EMITTED } from "../processes/built_program.ts";
import { ONLY_RUNTIME } from "../runtime_suites.ts";
import { idleShare } from "../machine.ts";
import { TimeLimit } from "../time_limit.ts";
import { type PartResult, readPart } from "./junit_report.ts";
import type { Part } from "./parts.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Folder of the reports. */
export const PARTS: URL = new URL(".cache/parts/", ROOT);

/** Milliseconds that one part may take, as a {@linkcode TimeLimit} counts them. */
const MAX_PART_MS = 240_000;
/** Characters of the output that a crash shows. */
const SHOWN = 6000;

/** Runs a part in a separate process, and reads the report. */
export async function runPart(part: Part): Promise<PartResult> {
  const report = new URL(`${part.name.replaceAll(" ", "-")}.xml`, PARTS);
  await Deno.remove(report).catch(() => {});
  const child = new Deno.Command(Deno.execPath(), {
    // `deno task static` checks types once for all parts.
    args: [
      ...["test", "-A", "--quiet", "--no-check", `--junit-path=${report.pathname}`],
      ...(part.except ?? []).map((path) => `--ignore=${path}`),
      ...part.files,
    ],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: {
      NO_COLOR: "1",
      [LIBRARY_IS_EMITTED]: "1",
      ...(part.runtime === undefined ? {} : { [ONLY_RUNTIME]: part.runtime }),
    },
  }).spawn();
  const output = Promise.all([child.stdout, child.stderr].map((it) => new Response(it).text()));
  let killed: string | undefined;
  try {
    await new TimeLimit(MAX_PART_MS).race(child.status, "");
  } catch {
    killed = `the tests were still running after ${MAX_PART_MS / 1000} s`;
    child.kill("SIGKILL");
  }
  const { code } = await child.status;
  const text = (await output).join("\n").trim();
  const found = await Deno.readTextFile(report).catch(() => undefined);
  return readPart(part.name, found, {
    code,
    output: text.slice(-SHOWN),
    ...(killed === undefined ? {} : { killed }),
  });
}

/** Numbers of parts that run at the same time. */
export interface Parallelism {
  /** Parts that always run. */
  readonly atOnce: number;
  /** Maximum of further parts, which start while the processors are idle. Default: 0. */
  readonly extra?: number;
  /** Waits for a while, and returns whether the processors were idle meanwhile. */
  readonly isIdle?: () => Promise<boolean>;
}

/** Runs parts side by side, the longest first; calls back at the end of each. */
export async function runParts(
  parts: readonly Part[],
  { atOnce, extra = 0, isIdle = machineIsIdle }: Parallelism,
  onEnd: (part: Part, result: PartResult, ms: number) => void,
  run: (part: Part) => Promise<PartResult> = runPart,
): Promise<Map<Part, PartResult>> {
  const queue = parts.toSorted((a, b) => b.seconds - a.seconds);
  const results = new Map<Part, PartResult>();
  const runNext = async () => {
    const part = queue.shift();
    if (part === undefined) return;
    const started = performance.now();
    const result = await run(part).catch((error) => unstarted(part, error));
    results.set(part, result);
    onEnd(part, result, performance.now() - started);
  };
  const work = async () => {
    while (queue.length > 0) await runNext();
  };
  const workWhileIdle = async () => {
    const running = new Set<Promise<void>>();
    while (queue.length > 0) {
      if (!(await isIdle()) || running.size >= extra) continue;
      const part = runNext().finally(() => running.delete(part));
      running.add(part);
    }
    await Promise.all(running);
  };
  await Promise.all([
    ...Array.from({ length: atOnce }, work),
    ...(extra > 0 ? [workWhileIdle()] : []),
  ]);
  return results;
}

/** Result of a part whose process did not even start. */
function unstarted({ name }: Part, error: unknown): PartResult {
  return readPart(name, undefined, { code: 1, output: "", killed: String(error) });
}

/** Most parts that run again. If more have failed, the machine is not the reason. */
const MOST_AGAIN = 6;

/**
 * Runs each failed part once more, alone, and puts its new result in the place of the first. A test
 * that fails only beside other parts then passes; a test that finds a fault fails again.
 *
 * @returns the parts that passed only now.
 */
export async function runFailedAgain(
  results: Map<Part, PartResult>,
  onEnd: (part: Part, result: PartResult, ms: number) => void,
  run: (part: Part) => Promise<PartResult> = runPart,
): Promise<Part[]> {
  const failed = [...results].filter(([, result]) => result.failed > 0).map(([part]) => part);
  if (results.size < 2 || failed.length > MOST_AGAIN) return [];
  for (const part of failed) {
    const started = performance.now();
    const result = await run(part).catch((error) => unstarted(part, error));
    results.set(part, result);
    onEnd(part, result, performance.now() - started);
  }
  return failed.filter((part) => results.get(part)!.failed === 0);
}

/** Milliseconds of each measurement, so that a part that has just started shows its load. */
const LOOK_MS = 1000;
/** Idle share of the processors' time above which a further part starts. */
const ENOUGH_IDLE = 0.35;

async function machineIsIdle(): Promise<boolean> {
  return await idleShare(LOOK_MS) > ENOUGH_IDLE;
}
