import type { CaseClient } from "../harness/clients/case_client.ts";
import { sleep } from "../harness/clients/case_client.ts";
import { TimeLimit } from "../harness/time_limit.ts";

/** What the kernel says of a process. Sizes are bytes. */
export interface Memory {
  readonly resident: number;
  /** The most that was resident since {@linkcode resetPeak}. */
  readonly peak: number;
}

/**
 * How many files and sockets a process has open, less the lines of the control API, which come and
 * go. One that is dead, and only its descriptor is left, counts.
 */
export function openFiles(pid: number, controlPort: number): number {
  const control = new Set(socketsOf(pid, controlPort));
  return descriptorsOf(pid).filter((target) => !control.has(target)).length;
}

/** How many sockets of a process have this local port, the listening one included. */
export function openLines(pid: number, port: number): number {
  const lines = new Set(socketsOf(pid, port));
  return descriptorsOf(pid).filter((target) => lines.has(target)).length;
}

/** What its descriptors stand for. */
function descriptorsOf(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return []; // closed meanwhile
      throw error;
    }
  });
}

/** The sockets with this local port, of whatever process in the same network. */
function* socketsOf(pid: number, port: number): Generator<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const table of ["tcp", "tcp6"]) {
    for (const line of Deno.readTextFileSync(`/proc/${pid}/net/${table}`).split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(suffix)) yield `socket:[${fields[9]}]`;
    }
  }
}

export function memoryOf(pid: number): Memory {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)![1]);
  return { resident: of("VmRSS") * 1024, peak: of("VmHWM") * 1024 };
}

/** Has the peak begin anew. */
export function resetPeak(pid: number): void {
  Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** How many files the process under test has open. */
export function filesOf(client: CaseClient): number {
  return openFiles(client.server.pid, client.server.port);
}

/** Returns once no more files are open than `before`. */
export function filesAreBack(client: CaseClient, before: number, ms = 3000): Promise<void> {
  return isBack("open files", () => filesOf(client), before, ms);
}

/** Returns once the server has no more lines than `expected`. */
export function linesAreBack(client: CaseClient, expected: number, ms: number): Promise<void> {
  return isBack("lines", () => openLines(client.server.pid, client.port) - 1, expected, ms);
}

async function isBack(what: string, count: () => number, most: number, ms: number): Promise<void> {
  const limit = new TimeLimit(ms);
  let now = count();
  while (now > most && !limit.isOver) {
    await sleep(20);
    now = count();
  }
  if (now > most) throw new Error(`expected at most ${most} ${what}, and there are ${now}`);
}
