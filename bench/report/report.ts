import { type Cell, disturbance } from "../cells.ts";
import type { Results } from "../results.ts";
import { allRuntimes, benchRuntimes } from "../runtimes.ts";
import { scenarios, SLOW } from "../scenarios.ts";
import { median } from "../statistics.ts";
import { amount, bound, spread } from "../format.ts";
import { idleChart } from "./idle_chart.ts";
import { ratioChart } from "./ratio_chart.ts";
import { keysOf, readReasons } from "./reasons.ts";
import { slowChart } from "./slow_chart.ts";
import type { Svg } from "./svg.ts";
import { allCells, durableTable, idleTable, rateTable, slowTable, targetTable } from "./tables.ts";

const PAGE = new URL("../../docs/benchmarks.md", import.meta.url);
const CHARTS = new URL("../../docs/benchmarks/", import.meta.url);

/** Writes `docs/benchmarks.md` and its charts from the results. */
export async function writeReport(results: Results): Promise<void> {
  const reasons = await readReasons();
  await Deno.mkdir(CHARTS, { recursive: true });
  for (const [name, chart] of charts(results)) {
    await Deno.writeTextFile(new URL(`${name}.svg`, CHARTS), String(chart));
  }
  await Deno.writeTextFile(PAGE, page(results, reasons));
  const missed = new Set(missedCells(results).flatMap(keysOf));
  for (const key of reasons.keys()) {
    if (!missed.has(key)) {
      console.warn(`bench/reasons.md has a reason for ${key}, whose target is reached`);
    }
  }
  console.log("Wrote docs/benchmarks.md");
}

function charts(results: Results): [name: string, chart: Svg][] {
  const ratios = allCells(results).filter(({ scenario }) => scenario.goal === "ratio");
  const ratioOf = (title: string, starts: RegExp): Svg =>
    ratioChart(title, ratios.filter(({ scenario }) => starts.test(scenario.name)));
  const { targets } = scenarios.find(({ name }) => name === "idle")!;
  return [
    ["echo", ratioOf("CPU for each echo", /^echo/)],
    ["publish", ratioOf("CPU for each delivery", /^(?:publish|chat|rooms)/)],
    ["handshakes", ratioOf("CPU for each handshake", /^handshakes/)],
    ["idle", idleChart("Memory of an idle peer", targets, results)],
    ["slow", slowChart("Memory while ten of 1,000 subscribers do not read", results)],
  ];
}

function missedCells(results: Results): Cell[] {
  return allCells(results).filter(({ isMet }) => isMet === false);
}

function page(results: Results, reasons: ReadonlyMap<string, string>): string {
  const { cpu, cores, kernel, versions } = results.machine;
  const used = Object.entries(versions).filter(([, version]) => version)
    .map(([name, version]) => `${name} ${version}`).join(", ");
  const cells = allCells(results).filter(({ isMet }) => isMet !== undefined);
  const met = cells.filter(({ isMet }) => isMet).length;
  return `# Benchmarks

In short: on Node, onepeer takes less CPU time than other toolkits, and far less if a turn sends several
messages. On Deno, a message takes about as much as with the runtime itself. On uWebSockets.js and Bun,
onepeer broadcasts as fast as the runtime. Most echoes cost more there than on the bare runtime, because
onepeer checks and counts each message, and because a message stays valid after its event.

onepeer, the bare runtimes and other toolkits are measured on the same machine at the same time.
\`deno task bench\` generates this page and its charts from the measurement.

${cpu}, ${cores} cores, ${kernel}; ${results.days}. ${used}.

## Reached

${met} of ${cells.length} targets are reached. Each number is the median over the rounds. Below the
number are its 95 % confidence interval and the target. ✓ means that the interval reaches the target. A
ratio is the CPU time of the other toolkit per message, divided by the CPU time of onepeer. If the ratio
is over 1×, onepeer takes less CPU time.

“Bare” stands for the runtime without a toolkit: for \`ws\` on Node, and for the runtime's own WebSockets
elsewhere.

${targetTable(results)}

## Echo

![Ratios of CPU for each echo, against the bare runtime](benchmarks/echo.svg)

## Publish

![Ratios of CPU for each delivery, against crossws](benchmarks/publish.svg)

## Handshakes

![Ratios of CPU for each handshake, against the bare runtime](benchmarks/handshakes.svg)

## Memory of an idle peer

The figures are KiB of resident memory for each further peer, from 4,000 to 14,000 peers, after garbage
collection. A lean peer keeps only the headers that its URL needs (\`retainHeaders: []\`).

![KiB for each idle peer, by toolkit and runtime](benchmarks/idle.svg)

${idleTable(results)}

## Slow readers

${SLOW.readers} of 1,000 subscribers stop reading, while the server publishes a message of 16 KiB to all
1,000, 30 times a second. onepeer may queue at most ${SLOW.maxBufferedMib} MiB for each peer (\`limits.maxBuffered\`), and closes a peer
over that limit with 1013. The figures do not include the buffers of the operating system.

![Memory over time while some subscribers do not read](benchmarks/slow.svg)

The peak growth of each process, and the outcome for the slow subscribers:

${slowTable(results)}

## Durable Objects

The objects run on an unmodified workerd (\`workerd serve\`). “Bare” is an object written by hand on the
hibernation API. Its state is JSON text on the socket, and its index by topic is in memory. The objects
are measured in turn, each wake 60 times. The table shows the median costs, and the result of onepeer.

${durableTable(results)}

- **Publish**: CPU time of workerd for a delivery; the last column is a ratio as above.
- **Wake**: time from a message to the answer of an object that was evicted just before. The object runs
  its constructor, restores the client's state, and calls the hook. “Bare, empty” has no state to
  restore. crossws restores topics only, at most 16 KiB.
- **Save**: extra CPU time inside the object for a message that changes the client's context, compared
  with a client without a context. “Bare” calls \`JSON.stringify\` and writes the attachment.

## In absolute numbers

The figures are thousands of messages (deliveries, handshakes) in a second of the server's CPU time.
Compare the figures within a row only, because they depend on the machine.

${
    benchRuntimes.map(({ name, title }) => `### ${title}\n\n${rateTable(name, results)}`).join(
      "\n\n",
    )
  }

## Missed

${missedSection(missedCells(results), reasons)}

## Method

- Each server is a process of its own. A load generator in C, one thread with epoll, connects over
  127.0.0.1 and sends frames that it has masked in advance.
- All servers of a comparison have their connections at once. The servers are measured in turn,
  A B C A B C…, for 150 to 200 ms each, 15 times after a warm-up. Each round gives one ratio: if the
  machine is slow during a round, all servers of the round are slow.
- The measured cost is the CPU time of all threads of the server's process per message. Wall time would
  include the load generator, which shares the two cores.
- Before the measurement, one echo and one publish are compared byte for byte. Later, messages are
  counted. A run fails if a message is lost, doubled or malformed, or if a connection ends.
- The interval comes from order statistics, which assume no distribution of the noise.
${[noiseLine(results), disturbanceLine(results)].filter(Boolean).join("\n")}
- The programs in \`bench/servers/\` are as short as the examples in the documentation of each toolkit.

## Reproduce

The benchmark needs Linux on x64 and a C compiler, and takes a quarter of an hour:

\`\`\`sh
deno task bench                      # all scenarios; writes this page
deno task bench echo publish node    # some scenarios, some runtimes
deno task bench durable --record     # Durable Objects only; writes this page
\`\`\`
`;
}

function noiseLine(results: Results): string {
  const cells = allCells(results).filter(({ scenario }) => scenario.name === "noise");
  const ratios = cells.map(({ estimate, runtime }) => {
    const { short } = allRuntimes.find(({ name }) => name === runtime)!;
    return `${amount(estimate.value, "ratio")} (${spread(estimate)}) on ${short}`;
  });
  if (ratios.length === 0) return "";
  return `- Noise: the ratio of onepeer to a second onepeer is ${ratios.join(", ")}.`;
}

function disturbanceLine(results: Results): string {
  const shares = results.all.map(disturbance).filter((it) => it !== undefined);
  if (shares.length === 0) return "";
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  return `- Other programs used ${
    percent(median(shares))
  } of a core during the median measurement, and ${percent(Math.max(...shares))} at worst.`;
}

function missedSection(missed: readonly Cell[], reasons: ReadonlyMap<string, string>): string {
  if (missed.length === 0) return "None.";
  return missed.map((cell) => {
    const { scenario, estimate, note } = cell;
    const { title } = allRuntimes.find(({ name }) => name === cell.runtime)!;
    const reached = amount(estimate.value, scenario.goal) + (note ? `, ${note}` : "");
    const reason = keysOf(cell).map((key) => reasons.get(key)).find((it) => it !== undefined) ??
      "_no reason is known yet_";
    return `- **${scenario.title}, on ${title}**: ${reached}; target ${bound(cell)}. ${reason}`;
  }).join("\n");
}
