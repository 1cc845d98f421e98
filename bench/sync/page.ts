import { versionOf } from "../../tests/runtimes/versions.ts";
import { median } from "../statistics.ts";
import type { Cell } from "./cell.ts";
import type { Recovery } from "./recovery.ts";

/** Writes the page: a table for each client library, and one of the recovery from faults. */
export function syncPage(
  cells: readonly Cell[],
  recoveries: readonly Recovery[],
  date: Date,
): string {
  const clients = [...new Set(cells.map(({ client }) => client))];
  return `# Speed of \`sync\` over Redis

onepeer beside crossws ${
    versionOf("crossws")
  }, on the same Redis, with the same client library, on Node 24. Each cell
has three runs; the toolkits took turns. A value is the median, and the range of all runs follows. CPU
time is for one message: of the process that publishes, or of all processes that receive. The times of
Redis itself are not included. Measured on ${date.toISOString().slice(0, 10)} with
\`deno task bench sync\`, on two cores that ran all processes.

${clients.map((client) => section(client, cells)).join("\n")}
${recoverySection(recoveries)}`;
}

/** Most milliseconds that the project wants. */
const MAX_RESTORED = 1000, MAX_DETECTED = 2500;

function recoverySection(recoveries: readonly Recovery[]): string {
  const rows = recoveries.map(({ driver, runtime, restored, detected }) => [
    driver,
    runtime,
    bounded(restored, MAX_RESTORED),
    bounded(detected, MAX_DETECTED),
  ]);
  const head = ["driver", "runtime", "5,000 topics restored, ms", "frozen server found, ms"];
  return `## Recovery

The broker's server is killed and restarted: the first time is from the moment at which the server
accepts connections, until the node hears all of its 5,000 topics again. Target: ${
    figure(MAX_RESTORED)
  } ms. Then the
server is frozen, so that its connections stay open and silent: the second time is until the node
knows. Target: ${figure(MAX_DETECTED)} ms.

${table([head, ...rows])}
A median in bold misses its target.
`;
}

function bounded(values: readonly number[], most: number): string {
  const text = amount(values);
  return median(values) <= most ? text : `**${text}**`;
}

function section(client: string, cells: readonly Cell[]): string {
  const rows = cells.filter((cell) => cell.client === client).map((cell) => {
    const ratio = median(cell.values.onepeer) / median(cell.values.crossws);
    const { target } = cell;
    const isMet = target === undefined || (cell.isRate ? ratio >= target : ratio <= target);
    const wanted = target === undefined ? "" : `${cell.isRate ? "≥" : "≤"} ${target}`;
    return [
      `${cell.name}, ${cell.unit}`,
      amount(cell.values.onepeer),
      amount(cell.values.crossws),
      `${isMet ? "" : "**"}${ratio.toFixed(2)}${isMet ? "" : "**"}`,
      wanted,
    ];
  });
  const head = ["", "onepeer", "crossws", "ratio", "target"];
  return `## ${client}

${table([head, ...rows])}
A ratio in bold misses its target.
`;
}

function table([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return line(head!) + line(head!.map(() => "---")) + rows.map(line).join("");
}

function amount(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${figure(median(values))} (${figure(low)}–${figure(high)})`;
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(2);
}
