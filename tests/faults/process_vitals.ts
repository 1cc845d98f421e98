import type { CaseClient } from "../harness/clients/case_client.ts";
import { sleep } from "../harness/clients/case_client.ts";
import { TimeLimit } from "../harness/time_limit.ts";

/** Memory of a process as the kernel reports it, in bytes. */
export interface Memory {
  readonly resident: number;
  /** Peak of the resident memory since {@linkcode resetPeak}. */
  readonly peak: number;
}

/**
 * Number of open files and sockets of a process. Connections of the control API come and go, so
 * they do not count. A dead socket counts while its descriptor is open.
 */
export function openFiles(pid: number, controlPort: number): number {
  const control = new Set(socketsOf(pid, controlPort));
  return descriptorsOf(pid).filter((target) => !control.has(target)).length;
}

/** Number of sockets of a process with this local port, the listening one included. */
export function openLines(pid: number, port: number): number {
  const lines = new Set(socketsOf(pid, port));
  return descriptorsOf(pid).filter((target) => lines.has(target)).length;
}

/** Targets of the descriptors of a process. */
function descriptorsOf(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return []; // closed since it was listed
      throw error;
    }
  });
}

/** Yields the sockets with this local port, of all processes in the same network. */
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

/** Resets the peak to the current size. */
export function resetPeak(pid: number): void {
  Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** Number of files that the process under test has open. */
export function filesOf(client: CaseClient): number {
  return openFiles(client.server.pid, client.server.port);
}

/** Waits until at most `before` files are open. */
export function filesAreBack(client: CaseClient, before: number, ms = 3000): Promise<void> {
  return isBack("open files", () => filesOf(client), before, ms);
}

/** Waits until the server has at most `expected` connections. */
export function linesAreBack(client: CaseClient, expected: number, ms: number): Promise<void> {
  return isBack("connections", () => openLines(client.server.pid, client.port) - 1, expected, ms);
}

async function isBack(what: string, count: () => number, most: number, ms: number): Promise<void> {
  const limit = new TimeLimit(ms);
  let now = count();
  // Counting takes the kernel 25 ms, so a long wait must not count all the time.
  for (let pause = 20; now > most && !limit.isOver; pause = Math.min(2 * pause, 320)) {
    await sleep(pause);
    now = count();
  }
  if (now > most) throw new Error(`expected at most ${most} ${what}, got ${now}`);
}
