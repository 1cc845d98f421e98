/** Seconds of CPU that the threads of a process have taken, as the scheduler of Linux counts them. */
export function cpuTime(pid: number): number {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  const nanoseconds = threads.map(({ name }) =>
    Number.parseInt(Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`))
  );
  return nanoseconds.reduce((sum, it) => sum + it, 0) / 1e9;
}

/** Ticks in a second: what Linux has for all programs. */
const TICKS = 100;

/** Seconds of CPU that all programs of this machine have taken. */
export function machineCpuTime(): number {
  const [, user, nice, system, , , interrupts, softInterrupts] = Deno.readTextFileSync("/proc/stat")
    .split("\n", 1)[0]!.split(/ +/).map(Number);
  return (user! + nice! + system! + interrupts! + softInterrupts!) / TICKS;
}
