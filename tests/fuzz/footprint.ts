/** Resources of a process. */
export interface Footprint {
  /** Resident memory, in MiB. */
  readonly rss: number;
  /** Open descriptors. */
  readonly fds: number;
}

/** Reads the resources of a process from Linux; zeros if it has ended. */
export async function footprint(pid: number): Promise<Footprint> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    let fds = 0;
    for await (const _ of Deno.readDir(`/proc/${pid}/fd`)) fds++;
    return { rss: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024), fds };
  } catch {
    return { rss: 0, fds: 0 };
  }
}
