/**
 * Runs a long mixed load on each runtime: `deno task soak --help`.
 *
 * @module
 */
import { runtimes } from "../tests/runtimes/native.ts";
import { type AtRest, soak } from "../tests/soak/soak.ts";
import { chosen, readArguments } from "./arguments.ts";
import { record } from "./reliability/record.ts";

const args = readArguments({
  help: `deno task soak [runtime…] [seconds] [--record]

Loads one runtime after another, for 600 seconds each, with echoes, publishes, streams, and clients
that connect and disconnect. Every message has a number and a checksum. At intervals all clients
disconnect. Then memory, descriptors, timers, peers and topics of the server must be as before.

  runtime    ${
    runtimes.map(({ name }) => name).join(", ")
  }; default: all; \`node\` selects every Node
  seconds    length of the load on each runtime; default: 600
  --record   stores the results for docs/reliability.md`,
  flags: ["--record"],
});
const seconds = Number(args.names.find((arg) => /^[1-9]\d*$/.test(arg)) ?? 600);
const names = args.names.filter((arg) => !/^[1-9]\d*$/.test(arg));

let hasFailed = false;
for (const runtime of chosen(runtimes, names)) {
  console.log(`\n${runtime.title}, ${seconds} s`);
  const result = await soak(runtime, seconds, show);
  if ("missing" in result) {
    console.log(`  NOT RUN: needs ${result.missing}`);
    continue;
  }
  const { received, connects, wrongs, latency, failures } = result;
  const wrong = Object.entries(wrongs).map(([what, count]) => `${count} ${what}`).join(", ");
  console.log(`  ${received} messages over ${connects} connections: ${wrong}`);
  for (const [what, { p50, p99, p999, max }] of Object.entries(latency)) {
    console.log(`  ${what.padEnd(8)} p50 ${p50} ms, p99 ${p99}, p99.9 ${p999}, max ${max}`);
  }
  for (const failure of failures) console.log(`  ✗ ${failure}`);
  if (failures.length === 0) console.log("  ✓ no message lost, no resource leaked");
  hasFailed ||= failures.length > 0;
  if (args.has("--record")) await record("soak", runtime.name, result);
}
Deno.exit(hasFailed ? 1 : 0);

function show({ at, heap, external, rss, fds }: AtRest): void {
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(
    `  without clients after ${at} s: heap ${mib(heap)}, external ${mib(external)}, RSS ${
      mib(rss)
    }, ${fds} fds`,
  );
}
