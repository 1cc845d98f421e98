/**
 * Puts a mixed load on each runtime for a long time: `deno task soak [runtime…] [seconds]`.
 *
 * @module
 */
import { runtimes } from "../tests/runtimes.ts";
import { type AtRest, soak } from "../tests/soak/soak.ts";
import { record } from "./reliability/record.ts";

const USAGE = `deno task soak [runtime…] [seconds] [--record]

Echoes, rooms, streams, and clients that come and go, on one runtime after another; 600 seconds
each. Every message is numbered and has a checksum. In between all clients leave, and the server's
memory, descriptors, timers, peers and topics must be back where they were.

  runtime    ${runtimes.map(({ name }) => name).join(", ")}; all, if left out
  --record   keeps the result for docs/reliability.md`;

const args = Deno.args.filter((arg) => arg !== "--record");
const seconds = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 600);
const names = args.filter((arg) => !/^\d+$/.test(arg));
if (names.some((name) => !runtimes.some((it) => it.name === name)) || seconds < 1) {
  console.log(USAGE);
  Deno.exit(names.includes("--help") ? 0 : 2);
}

let hasFailed = false;
for (const runtime of runtimes.filter(({ name }) => names.length === 0 || names.includes(name))) {
  console.log(`\n${runtime.title}, ${seconds} s`);
  const result = await soak(runtime, seconds, show);
  if ("missing" in result) {
    console.log(`  NOT RUN: needs ${result.missing}`);
    continue;
  }
  const { received, connects, wrongs, latency, failures } = result;
  console.log(`  ${received} messages, ${connects} connections, ${JSON.stringify(wrongs)}`);
  for (const [what, { p50, p99, p999, max }] of Object.entries(latency)) {
    console.log(`  ${what.padEnd(8)} p50 ${p50} ms, p99 ${p99}, p99.9 ${p999}, max ${max}`);
  }
  for (const failure of failures) console.log(`  FAILED ${failure}`);
  hasFailed ||= failures.length > 0;
  if (Deno.args.includes("--record")) await record("soak", runtime.name, result);
}
Deno.exit(hasFailed ? 1 : 0);

function show({ at, heap, external, rss, fds }: AtRest): void {
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(
    `  at rest after ${at} s: heap ${mib(heap)}, external ${mib(external)}, RSS ${
      mib(rss)
    }, ${fds} fds`,
  );
}
