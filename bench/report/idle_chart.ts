import { idleMemory } from "../cells.ts";
import type { Results } from "../results.ts";
import { benchRuntimes, type RuntimeName } from "../runtimes.ts";
import type { Targets } from "../scenario.ts";
import type { Estimate } from "../statistics.ts";
import type { ToolkitName } from "../toolkits.ts";
import { figure } from "../format.ts";
import { Svg } from "./svg.ts";

const WIDTH = 800, LEFT = 150, RIGHT = 690, TOP = 52, BAR = 14, STEP = 18, GAP = 16;
const SHOWN: readonly ToolkitName[] = ["bare", "onepeer", "crossws"];

/** KiB for each idle peer: a bar for each toolkit on each runtime, and the limit for onepeer. */
export function idleChart(title: string, targets: Targets, results: Results): Svg {
  const groups = benchRuntimes.flatMap(({ name, short }) => {
    const result = results.find("idle", name);
    const bars = SHOWN.flatMap((toolkit) => {
      const estimate = result && idleMemory(result, toolkit);
      return estimate ? [{ toolkit, estimate }] : [];
    });
    return bars.length > 0 ? [{ name, short, bars }] : [];
  });
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ estimate }) => estimate.high)));
  const at = (kib: number): number => LEFT + kib / most * (RIGHT - LEFT);
  const height = TOP + groups.length * (SHOWN.length * STEP + GAP) + 30;
  const svg = new Svg(WIDTH, height, title);
  for (let kib = 0; kib <= most; kib += 5) {
    svg.line(at(kib), TOP - 6, at(kib), height - 30, kib === 0 ? "one" : "grid");
    svg.text(at(kib), height - 14, `${kib}`, "faint number", "middle");
  }
  svg.text(RIGHT + 16, TOP - 10, "KiB", "faint");
  drawLegend(svg);
  let y = TOP;
  for (const { name, short, bars } of groups) {
    svg.text(LEFT - 12, y + STEP + BAR / 2 + 3, short, "", "end");
    for (const { toolkit, estimate } of bars) {
      drawBar(svg, at, toolkit, estimate, y);
      if (toolkit === "onepeer") drawTarget(svg, at, limitOf(name, targets, bars), y);
      y += STEP;
    }
    y += GAP;
  }
  return svg;
}

/** KiB that onepeer may take. */
function limitOf(
  runtime: RuntimeName,
  targets: Targets,
  bars: readonly { toolkit: ToolkitName; estimate: Estimate }[],
): number | undefined {
  const target = targets[runtime];
  const base = bars.find(({ toolkit }) => toolkit === target?.over)?.estimate.value ?? 0;
  return target && target.value + base;
}

function drawTarget(svg: Svg, at: (kib: number) => number, kib: number | undefined, y: number) {
  if (kib !== undefined) svg.line(at(kib), y - 3, at(kib), y + BAR + 3, "target");
}

function drawBar(
  svg: Svg,
  at: (kib: number) => number,
  toolkit: ToolkitName,
  { value, low, high }: Estimate,
  y: number,
): void {
  svg.rect(at(0), y, at(value) - at(0), BAR, toolkit, 2);
  svg.line(at(low), y + BAR / 2, at(high), y + BAR / 2, "whisker");
  for (const end of [low, high]) svg.line(at(end), y + 4, at(end), y + BAR - 4, "whisker");
  svg.text(RIGHT + 16, y + BAR - 3, figure(value), "value number");
}

function drawLegend(svg: Svg): void {
  const y = 28;
  let x = 20;
  for (const toolkit of SHOWN) {
    svg.rect(x, y - 9, 18, 10, toolkit, 2);
    svg.text(x + 24, y, toolkit);
    x += 100;
  }
  svg.line(x, y - 12, x, y + 3, "target");
  svg.text(x + 8, y, "limit for onepeer");
  svg.line(x + 160, y - 4, x + 184, y - 4, "whisker");
  svg.text(x + 192, y, "range of the two steps");
}
