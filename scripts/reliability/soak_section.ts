import { runtimes } from "../../tests/runtimes/native.ts";
import type { SoakResult } from "../../tests/soak/soak.ts";
import { readRecords } from "./record.ts";
import { latencyChart, restChart, type Soaked } from "./soak_chart.ts";

/** Renders the results of `deno task soak`. */
export async function soakSection(): Promise<string> {
  const soaked = await readSoaked();
  return `The same load runs on every runtime, in ten cycles. Clients send echoes of 1 B to 1 MiB, publish to
topics, and pause while they receive streams. Clients connect, and disconnect by a close frame, a
FIN or a RST. About half of the clients offer compression.

Every message has a number and a checksum. Each message must arrive once, undamaged and in order, at its
recipients only. After each cycle all clients disconnect. Then peers, topics, namespaces, timers and
descriptors must be as before. Memory is measured without clients, after the first and the last cycle.

| | seconds | connections | messages | lost, doubled, reordered, damaged, stray | heap and buffers | resident | descriptors |
| --- | --: | --: | --: | :-: | --: | --: | --: |
${soaked.map(row).join("\n")}

![Latency of echo and publish on each runtime](reliability/latency.svg)

| p50 / p99 / p99.9, ms | echo | publish |
| --- | --: | --: |
${soaked.map(latencyRow).join("\n")}

A few clients in a thread of their own measure the latency under load, from the call of \`send\` to the
arrival. The load, these clients and the server share the cores of one machine. While this record was made,
two runs and other tests shared two cores. So long latencies include the wait for a core.

A run fails if in its second half resident memory grows by more than 32 MiB, the heap by more than
4 MiB, or the number of descriptors by one.${failures(soaked)}

![Memory of each runtime's process without clients](reliability/rest.svg)`;
}

/** The charts, by the name of their file. */
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

/** Failures of the recorded runs. */
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
