import { runtimes } from "../../tests/runtimes/native.ts";
import type { SoakResult } from "../../tests/soak/soak.ts";
import { readRecords } from "./record.ts";
import { latencyChart, restChart, type Soaked } from "./soak_chart.ts";

/** What `deno task soak` found. */
export async function soakSection(): Promise<string> {
  const soaked = await readSoaked();
  return `Echoes of 1 B to 1 MiB, rooms whose members publish, streams to readers that pause, clients that come
and go (closing, ending, resetting their line), half of all lines compressed: the same load on every
runtime, in ten cycles. Every message has a number and a checksum, and must come once, whole, in its
order, to everybody who is to have it and nobody else. After each cycle all clients leave; peers,
topics, namespaces, timers and descriptors must be back where they were.

| | seconds | connections | messages | lost, twice, out of order, damaged, stray | heap and buffers at rest | resident | descriptors |
| --- | --: | --: | --: | :-: | --: | --: | --: |
${soaked.map(row).join("\n")}

![Latency of echo and publish on each runtime](reliability/latency.svg)

| p50 / p99 / p99.9, ms | echo | publish |
| --- | --: | --: |
${soaked.map(latencyRow).join("\n")}

Latencies are taken by a few clients in a thread of their own, from the call of \`send\` to the arrival,
while the load is on; load, probe and server share the cores of one machine, here two of each at a
time on two cores, beside other tests, so the tail is theirs together.

What is resident levels off: a run fails where it grows by more than 32 MiB in its second half, the
heap by more than 4 MiB, descriptors by one.${failures(soaked)}

![Memory of each runtime's process with no client left](reliability/rest.svg)`;
}

/** Its charts, by the name of their file beside the page's records. */
export async function soakCharts(): Promise<ReadonlyMap<string, string>> {
  const soaked = await readSoaked();
  return new Map([
    ["latency.svg", `${latencyChart(soaked)}`],
    ["rest.svg", `${restChart(soaked)}`],
  ]);
}

async function readSoaked(): Promise<Soaked[]> {
  const records = await readRecords<SoakResult>("soak");
  return runtimes.flatMap(({ name, title }) => {
    const result = records[name];
    return result ? [{ title, result }] : [];
  });
}

function row({ title, result: { seconds, connects, received, wrongs, atRest } }: Soaked): string {
  const first = atRest[0]!, last = atRest.at(-1)!;
  const held = (it: typeof first) => ((it.heap + it.external) / 2 ** 20).toFixed(1);
  const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
  const wrong = Object.values(wrongs).join(", ");
  return `| ${title} | ${seconds} | ${thousands(connects)} | ${thousands(received)} | ${wrong} | ` +
    `${held(first)} → ${held(last)} MiB | ${mib(first.rss)} → ${
      mib(last.rss)
    } MiB | ${first.fds} → ${last.fds} |`;
}

/** What a recorded run did not hold. */
function failures(soaked: readonly Soaked[]): string {
  return soaked.flatMap(({ title, result }) =>
    result.failures.map((failure) => `\n\n**${title} failed**: ${failure}`)
  ).join("");
}

function latencyRow({ title, result: { latency: { echo, publish } } }: Soaked): string {
  const cell = ({ p50, p99, p999 }: typeof echo) => `${p50} / ${p99} / ${p999}`;
  return `| ${title} | ${cell(echo)} | ${cell(publish)} |`;
}

function thousands(count: number): string {
  return count.toLocaleString("en");
}
