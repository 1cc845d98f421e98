import { ALLOWANCES, type Allowances } from "./allowances.ts";
import { Canary } from "./canary.ts";
import { CaseClient } from "../harness/clients/case_client.ts";
import type { Runtime } from "../runtimes/native.ts";
import { ServerProcess } from "../harness/processes/server_process.ts";
import { type EndpointName, ENDPOINTS } from "./endpoints.ts";
import { endpointOf, type History, historyOf } from "./history.ts";
import type { Evidence } from "./evidence.ts";
import { judge } from "./oracle.ts";
import { play } from "./player.ts";
import { type Footprint, footprint } from "./footprint.ts";
import { CANARY, type PeerRecord, type ServerHealth } from "./fuzz_server.ts";

/** Options of a run. */
export interface FuzzOptions {
  readonly seed: number;
  /** Index of the first history. Default: 0. */
  readonly from?: number;
  /** The run ends after this many histories, frames or seconds, whichever comes first. */
  readonly histories?: number;
  readonly frames?: number;
  readonly seconds?: number;
  readonly onProgress?: (soFar: FuzzCounts) => void;
  /** Called with the evidence of each history. */
  readonly onHistory?: (evidence: Evidence, violations: readonly string[]) => void;
}

/** Counts of a run. */
export interface FuzzCounts {
  readonly histories: number;
  /** Handshakes that the server answered by a 101. */
  readonly handshakes: number;
  /** Frames that clients sent. */
  readonly frames: number;
  readonly seconds: number;
}

/** A violation of a rule. */
export interface Violation {
  /** Index of the history; `undefined` if the violation belongs to none. */
  readonly history: number | undefined;
  readonly what: string;
}

/** Result of a run. */
export interface FuzzResult extends FuzzCounts {
  readonly seed: number;
  readonly hookCalls: number;
  /** 1 if the server's process ended during the run, otherwise 0. */
  readonly crashes: number;
  readonly violations: readonly Violation[];
  /** Resources of the server, early in the run and at its end. */
  readonly before: Footprint;
  readonly after: Footprint;
}

/** Simultaneous histories: number of groups, and histories in each. */
const GROUPS = 8, GROUP_SIZE = 24;
const ENOUGH_VIOLATIONS = 50;
/** Number of control connections by which two measurements may differ. */
const CONTROL_CONNECTIONS = 5;

/** Runs histories against the server process of a runtime, and judges each. */
export async function fuzz(
  runtime: Runtime,
  command: readonly string[],
  options: FuzzOptions,
): Promise<FuzzResult> {
  await using server = await ServerProcess.start(command);
  const run = new FuzzRun(server, ALLOWANCES[runtime.name] ?? {}, options);
  return await run.all();
}

class FuzzRun {
  readonly #server: ServerProcess;
  readonly #allowances: Allowances;
  readonly #options: FuzzOptions;
  readonly #clients = new Map<EndpointName, CaseClient>();
  readonly #violations: Violation[] = [];
  readonly #started = performance.now();
  #next: number;
  #histories = 0;
  #handshakes = 0;
  #frames = 0;
  #resets = 0;

  constructor(server: ServerProcess, allowances: Allowances, options: FuzzOptions) {
    this.#server = server;
    this.#allowances = allowances;
    this.#options = options;
    this.#next = options.from ?? 0;
  }

  async all(): Promise<FuzzResult> {
    for (const name of Object.keys(ENDPOINTS) as EndpointName[]) {
      const client = new CaseClient(this.#server, name);
      await client.open(`fuzz.${name}`);
      this.#clients.set(name, client);
    }
    const canaries = [...this.#clients].map(([name, client]) =>
      new Canary(name, client.url(`?${CANARY}`))
    );
    await Promise.all(canaries.map(({ isReady }) => isReady));
    const { fds } = await this.#footprintAtRest();
    const warm = this.#warmFootprint();
    await Promise.all(Array.from({ length: GROUPS }, () => this.#work()));
    const counts = this.#counts;
    const after = await this.#footprintAtRest(fds);
    const noticed = await Promise.all(canaries.map((canary) => canary.stop()));
    for (const what of noticed.flat()) this.#report(undefined, what);
    const hookCalls = await this.#inspect();
    const before = { ...await warm, fds };
    this.#compare(before, after);
    const crashes = this.#server.exited ? 1 : 0;
    if (crashes) this.#report(undefined, this.#server.exited!);
    const { seed } = this.#options;
    return { seed, ...counts, hookCalls, crashes, violations: this.#violations, before, after };
  }

  get #counts(): FuzzCounts {
    return {
      histories: this.#histories,
      handshakes: this.#handshakes,
      frames: this.#frames,
      seconds: Math.round((performance.now() - this.#started) / 100) / 10,
    };
  }

  get #isDone(): boolean {
    const { from = 0, histories = Infinity, frames = Infinity, seconds = Infinity } = this.#options;
    return this.#next >= from + histories || this.#frames >= frames ||
      performance.now() - this.#started > seconds * 1000 || this.#server.exited !== undefined ||
      this.#violations.length >= ENOUGH_VIOLATIONS;
  }

  async #work(): Promise<void> {
    const { seed, from = 0, histories = Infinity } = this.#options;
    while (!this.#isDone) {
      const first = this.#next;
      this.#next = Math.min(first + GROUP_SIZE, from + histories);
      const group = Array.from({ length: this.#next - first }, (_, i) => {
        const endpoint = endpointOf(seed, first + i);
        return historyOf(seed, first + i, this.#clients.get(endpoint)!.path());
      });
      try {
        await this.#playGroup(group);
      } catch (error) {
        this.#report(first, `these histories could not be played: ${error}`);
      }
      this.#options.onProgress?.(this.#counts);
    }
  }

  async #playGroup(group: readonly History[]): Promise<void> {
    const played = await Promise.all(
      group.map((history) => play(history, this.#clients.get(history.endpoint)!.port)),
    );
    const records = new Map<History, PeerRecord[]>();
    await Promise.all([...this.#clients].map(async ([name, client]) => {
      const here = group.filter(({ endpoint }) => endpoint === name);
      const found = await client.command<PeerRecord[][]>("records", here.map(({ index }) => index));
      here.forEach((history, i) => records.set(history, found[i]!));
    }));
    group.forEach((history, i) => {
      const peers = records.get(history)!;
      this.#judge({ history, played: played[i]!, peers, allowances: this.#allowances });
    });
  }

  #judge(evidence: Evidence): void {
    const { history, played } = evidence;
    const violations = judge(evidence);
    this.#histories++;
    if (history.ending === "reset") this.#resets++;
    if (played.status === 101) this.#handshakes++;
    this.#frames += history.frameEnds.filter((end) => end <= played.written).length;
    for (const what of violations) this.#report(history.index, what);
    this.#options.onHistory?.(evidence, violations);
  }

  #report(history: number | undefined, what: string): void {
    this.#violations.push({ history, what });
  }

  /**
   * Measures the server while only the canaries are connected. Waits up to 2 s until the server
   * holds at most `fds`. Opens all control connections first, so that none counts as growth later.
   */
  async #footprintAtRest(fds = Infinity): Promise<Footprint> {
    const clients = Array.from({ length: GROUPS }, () => [...this.#clients.values()]).flat();
    await Promise.allSettled(clients.map((client) => client.command("health")));
    let seen = await footprint(this.#server.pid);
    for (let look = 0; look < 40 && seen.fds > fds; look++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen = await footprint(this.#server.pid);
    }
    return seen;
  }

  /** Measures the server after a warm-up. */
  async #warmFootprint(): Promise<Footprint> {
    const { seconds = 60 } = this.#options;
    await new Promise((resolve) => setTimeout(resolve, Math.min(seconds * 300, 10_000)));
    return await footprint(this.#server.pid);
  }

  /** Ends the server halves. No resource may be left, and no complaint may have been printed. */
  async #inspect(): Promise<number> {
    let hookCalls = 0;
    for (const [name, client] of this.#clients) {
      try {
        const health = await client.command<ServerHealth>("health");
        hookCalls += health.hookCalls;
        for (const what of health.late) this.#report(undefined, `after the end, ${name}: ${what}`);
        if (client === [...this.#clients.values()][0]) {
          for (const what of health.unhandled) this.#report(undefined, `unhandled: ${what}`);
          for (const what of health.complaints) this.#report(undefined, `complaint: ${what}`);
        }
        await client.close();
      } catch (error) {
        this.#report(undefined, `${name}: ${(error as Error).message}`);
      }
    }
    return hookCalls;
  }

  #compare(before: Footprint, after: Footprint): void {
    if (after.rss > 2 * before.rss + 128) {
      this.#report(undefined, `memory grew from ${before.rss} to ${after.rss} MiB`);
    }
    const most = this.#allowances.keepsResetLines ? before.fds + this.#resets : before.fds;
    if (after.fds > most + CONTROL_CONNECTIONS) {
      this.#report(undefined, `descriptors grew from ${before.fds} to ${after.fds}`);
    }
  }
}
