import { CaseClient } from "../harness/clients/case_client.ts";
import type { Runtime } from "../runtimes/native.ts";
import { type MachineClock, WALL_CLOCK } from "../harness/machine.ts";
import { ServerProcess } from "../harness/processes/server_process.ts";
import { exchange, type Way } from "./exchange.ts";
import { type ProtocolGap, protocolGaps } from "./gaps.ts";
import { judge, type Verdict } from "./judge.ts";
import type { Row, Section } from "./row.ts";

/** Result of one row on one runtime. */
export interface RowOutcome {
  readonly id: string;
  readonly section: string;
  readonly fact: string;
  /** Verdict; `"gap"` is a declared failure: the row was run, and failed. */
  readonly status: "ok" | "non-strict" | "gap" | "failed";
  readonly detail?: string;
  /** Why the runtime has this gap, or why a non-strict result is harmless. */
  readonly reason?: string;
  /** Source for the reason of a gap. */
  readonly link?: string;
}

/** Number of rows that run at the same time. */
const PARALLEL = 64;
/** Largest row in bytes that is also written byte by byte. */
const MAX_BYTEWISE = 600;

/** Runs the battery on one runtime, in a separate process. */
export async function runBattery(
  runtime: Runtime,
  sections: readonly Section[],
  only = "",
): Promise<RowOutcome[] | { missing: string }> {
  const command = await runtime.command();
  if ("missing" in command) return command;
  const gaps = protocolGaps[runtime.name] ?? [];
  await using server = await ServerProcess.start(command);
  const outcomes: RowOutcome[] = [];
  for (const caseId of ["protocol.echo", "protocol.compressed"] as const) {
    const rows = sections.filter((section) => section.server === caseId).flatMap((section) =>
      section.rows.filter((row) => row.id.startsWith(only) && canRun(row, gaps))
        .map((row) => ({ row, section }))
    );
    if (rows.length === 0) continue;
    const client = new CaseClient(server, `${caseId}-${crypto.randomUUID().slice(0, 8)}`);
    await client.open(caseId);
    const found = await inParallel(rows, async ({ row, section }) => {
      const gap = gaps.find(({ rows }) => rows.test(row.id));
      // Most gaps end only at the time limit, which a busy machine must not stretch to minutes.
      const clock = gap && WALL_CLOCK;
      const verdict = await attempt(row, client, waysOf(row, gaps), clock)
        .catch((error): Verdict => ({
          status: "failed",
          detail: server.exited ?? String(error),
        }));
      return settle(row, section, verdict, gap);
    });
    outcomes.push(...found);
    // Fails if a row left a peer or a timer behind.
    await client.close().catch((error) =>
      Promise.reject(new Error(server.exited ?? error.message))
    );
  }
  return outcomes;
}

/** Whether a runtime can run a row: rows about compressed messages need compression. */
function canRun({ id, needsCompression }: Row, gaps: readonly ProtocolGap[]): boolean {
  return !needsCompression || id === TAKEN || !gaps.some(({ rows }) => rows.test(TAKEN));
}

/** Id of the row that fails on a runtime without compression. */
const TAKEN = "offers.taken";

function waysOf({ id, sends, handshake = {}, cuts }: Row, gaps: readonly ProtocolGap[]): Way[] {
  if (cuts) return ["in pieces"];
  if (gaps.some(({ atOnceOnly }) => atOnceOnly?.test(id))) return ["at once"];
  const frames = typeof sends === "function" ? [] : sends;
  const size = frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const isLong = size > MAX_BYTEWISE || JSON.stringify(handshake).length > MAX_BYTEWISE;
  return isLong ? ["at once"] : ["at once", "byte by byte"];
}

/** Runs a row each way; the worst verdict counts. */
async function attempt(
  row: Row,
  client: CaseClient,
  ways: readonly Way[],
  clock: MachineClock | undefined,
): Promise<Verdict> {
  let worst: Verdict = { status: "ok" };
  for (const way of ways) {
    const verdict = judge(row, await exchange(row, client.port, client.path(), way, clock));
    if (verdict.status === "ok" || verdict.status === worst.status) continue;
    worst = { ...verdict, detail: `${verdict.detail} (${way})` };
    if (worst.status === "failed") break;
  }
  return worst;
}

/** Returns the outcome of a row. A row with a gap must fail, unless chance decides. */
export function settle(
  { id, fact }: Pick<Row, "id" | "fact">,
  section: Pick<Section, "name">,
  { status, detail, why }: Verdict,
  gap: ProtocolGap | undefined,
): RowOutcome {
  const base = { id, section: section.name, fact, ...(detail === undefined ? {} : { detail }) };
  if (!gap) return { ...base, status, ...(why === undefined ? {} : { reason: why }) };
  if (status === "failed" || gap.mayPass) {
    return { ...base, status: "gap", reason: gap.reason, link: gap.link };
  }
  return { ...base, status: "failed", detail: "declared as a gap, but passes: narrow the gap" };
}

async function inParallel<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = Array(items.length);
  let next = 0;
  const work = async () => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await run(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return results;
}
