/** CPU time of all threads of a process in seconds, from Linux' scheduler. */
export function cpuTime(pid: number): number {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  const nanoseconds = threads.map(({ name }) =>
    Number.parseInt(Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`))
  );
  return nanoseconds.reduce((sum, it) => sum + it, 0) / 1e9;
}

/** Clock ticks in a second, which Linux reports to all programs. */
const TICKS = 100;

/** CPU time of all programs of this machine, in seconds. */
export function machineCpuTime(): number {
  const [, user, nice, system, , , interrupts, softInterrupts] = Deno.readTextFileSync("/proc/stat")
    .split("\n", 1)[0]!.split(/ +/).map(Number);
  return (user! + nice! + system! + interrupts! + softInterrupts!) / TICKS;
}
