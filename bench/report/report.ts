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

/** Writes `docs/benchmarks.md` and its charts from what was measured. */
export async function writeReport(results: Results): Promise<void> {
  const reasons = await readReasons();
  await Deno.mkdir(CHARTS, { recursive: true });
  for (const [name, chart] of charts(results)) {
    await Deno.writeTextFile(new URL(`${name}.svg`, CHARTS), String(chart));
  }
  await Deno.writeTextFile(PAGE, page(results, reasons));
  const missed = new Set(missedCells(results).flatMap(keysOf));
  for (const key of reasons.keys()) {
    if (!missed.has(key)) console.warn(`bench/reasons.md explains ${key}, which is not missed`);
  }
  console.log("docs/benchmarks.md is written");
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
    ["slow", slowChart("Memory while ten of a thousand do not read", results)],
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

In short: on Node onepeer is far cheaper than what runs there today, on Deno it costs what the runtime
itself costs, and on uWebSockets.js and Bun it broadcasts like them and echoes more slowly, as a message
here outlives the event that brought it.

The figures beside the runtimes' own WebSockets and other toolkits, on the same machine at the same
time. This page and its charts are written by \`deno task bench\` from what it measured, and by
nobody else.

${cpu}, ${cores} cores, ${kernel}; ${results.days}. ${used}.

## Reached

${met} of ${cells.length} targets are reached. A number is the median over the rounds, below it the
interval in which that median lies with 95 % confidence, and the target. ✓: the interval reaches the
target. A ratio is the CPU that the other takes for a message, in that of onepeer: over 1× onepeer
takes less.

${targetTable(results)}

## Echo

![Ratios of CPU for each echo, against the bare runtime](benchmarks/echo.svg)

## Publish

![Ratios of CPU for each delivery, against crossws](benchmarks/publish.svg)

## Handshakes

![Ratios of CPU for each handshake, against the bare runtime](benchmarks/handshakes.svg)

## Memory of an idle peer

KiB of resident memory for each further peer, from 4,000 to 14,000 peers, after garbage collection.
A lean one keeps no headers but those of its URL (\`retainHeaders: []\`).

![KiB for each idle peer, by toolkit and runtime](benchmarks/idle.svg)

${idleTable(results)}

## Slow readers

${SLOW.readers} of 1,000 subscribers stop reading while 16 KiB are published to all 30 times a second.
onepeer is told to let at most ${SLOW.maxBufferedMib} MiB wait for each (\`limits.maxBuffered\`), and
closes whoever exceeds it with 1013. What the system's own buffers hold is not seen here.

![Memory over time while some subscribers do not read](benchmarks/slow.svg)

The most that a process grew by, and what became of the slow ones:

${slowTable(results)}

## Durable Objects

On workerd as it is (\`workerd serve\`), beside an object written by hand on the hibernation API, as who
knows it well does: state as JSON text on the socket, an index by topic kept warm. They are visited in
turn, 60 times for a wake. What each takes, in the middle over the rounds, and what onepeer reached.

${durableTable(results)}

- **Publish**: CPU of workerd for a delivery; a ratio as above.
- **Wake**: from a message to its answer, by an object that was evicted just before: its constructor,
  the member's state, its hook. The empty one has no member's state to read. crossws keeps topics only,
  and no more than 16 KiB of them.
- **Save**: CPU by which a message that changes its member's context takes longer than one of a member
  without context, inside the object. By hand it is \`JSON.stringify\` and the attachment.

## In absolute numbers

Thousands of messages (deliveries, handshakes) in a second of the server's CPU. They say more about
this machine than about anything else; compare only within a row.

${
    benchRuntimes.map(({ name, title }) => `### ${title}\n\n${rateTable(name, results)}`).join(
      "\n\n",
    )
  }

## Missed

${missedSection(missedCells(results), reasons)}

## Method

- Each server is a process of its own; a generator in C, one thread over epoll, loads it over
  127.0.0.1 with frames that were masked in advance.
- All servers of a comparison are connected at once and visited in turn, A B C A B C…, for 150 to 200
  ms each, 15 times after warming up. Each round gives one ratio: whatever slows the machine slows
  all of them.
- What is compared is CPU time of all threads of the server's process for each message, not time on
  the wall: with two cores the generator shares the machine.
- One echo, and one publish, is compared byte for byte before anything is measured; then messages are
  counted. A run in which one is lost, doubled or malformed, or a connection ends, fails.
- The interval is that of order statistics: it assumes nothing about the noise.
${[noiseLine(results), disturbanceLine(results)].filter(Boolean).join("\n")}
- Programs are as short as each toolkit's documentation shows them: \`bench/servers/\`.

## Reproduce

On Linux for x64 with a C compiler, in a quarter of an hour:

\`\`\`sh
deno task bench                      # all of it, and writes this page
deno task bench echo publish node    # some scenarios, some runtimes
deno task bench durable --record     # those of Durable Objects, and writes this page
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
  return `- The noise: onepeer beside a second onepeer gives ${ratios.join(", ")}.`;
}

function disturbanceLine(results: Results): string {
  const shares = results.all.map(disturbance).filter((it) => it !== undefined);
  if (shares.length === 0) return "";
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  return `- Other programs took ${percent(median(shares))} of a core in the middle, and ${
    percent(Math.max(...shares))
  } at worst, while it measured.`;
}

function missedSection(missed: readonly Cell[], reasons: ReadonlyMap<string, string>): string {
  if (missed.length === 0) return "Nothing.";
  return missed.map((cell) => {
    const { scenario, estimate, note } = cell;
    const { title } = allRuntimes.find(({ name }) => name === cell.runtime)!;
    const reached = amount(estimate.value, scenario.goal) + (note ? `, ${note}` : "");
    const reason = keysOf(cell).map((key) => reasons.get(key)).find((it) => it !== undefined) ??
      "_not explained yet_";
    return `- **${scenario.title}, on ${title}**: ${reached}, wanted ${bound(cell)}. ${reason}`;
  }).join("\n");
}
