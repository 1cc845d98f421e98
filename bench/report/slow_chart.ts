import { slowOutcome } from "../cells.ts";
import type { Results } from "../results.ts";
import { benchRuntimes } from "../runtimes.ts";
import { SLOW } from "../scenarios.ts";
import type { ToolkitName } from "../toolkits.ts";
import { figure } from "../format.ts";
import { Svg } from "./svg.ts";

const WIDTH = 800, TOP = 58, HEIGHT = 150, PITCH_X = 380, PITCH_Y = 214, MARGIN = 44;
const PLOT = PITCH_X - MARGIN - 26;
/** First second shown: before, the memory of the servers is still growing. */
const FROM = -1;
const SHOWN: readonly ToolkitName[] = ["bare", "crossws", "onepeer"];
const KIB = 1024;

/** Memory over time, a plot for each runtime. At 0 some subscribers stop reading. */
export function slowChart(title: string, results: Results): Svg {
  const plots = benchRuntimes.flatMap(({ name, short }) => {
    const result = results.find("slow", name);
    const curves = SHOWN.flatMap((toolkit) => {
      const outcome = result && slowOutcome(result, toolkit);
      if (!outcome) return [];
      // Relative to the last sample before 0: shows growth, not the size of the runtime.
      const base = outcome.samples.filter(({ time }) => time < 0).at(-1)!.rssKib;
      const points = outcome.samples.filter(({ time }) => time >= FROM)
        .map(({ time, rssKib }) => ({ time, mib: (rssKib - base) / KIB }));
      return [{ toolkit, points }];
    });
    return curves.length > 0 ? [{ short, curves }] : [];
  });
  const svg = new Svg(WIDTH, TOP + Math.ceil(plots.length / 2) * PITCH_Y, title);
  drawLegend(svg);
  plots.forEach(({ short, curves }, index) => {
    const left = MARGIN + (index % 2) * PITCH_X, top = TOP + Math.floor(index / 2) * PITCH_Y;
    drawPlot(svg, left, top, short, curves);
  });
  return svg;
}

interface Curve {
  readonly toolkit: ToolkitName;
  readonly points: readonly { readonly time: number; readonly mib: number }[];
}

function drawPlot(svg: Svg, left: number, top: number, title: string, curves: Curve[]): void {
  const points = curves.flatMap(({ points }) => points);
  const bound = SLOW.readers * SLOW.maxBufferedMib;
  const step = stepFor(Math.max(bound * 1.5, ...points.map(({ mib }) => mib)));
  const most = Math.ceil(Math.max(bound * 1.5, ...points.map(({ mib }) => mib)) / step) * step;
  const least = Math.floor(Math.min(0, ...points.map(({ mib }) => mib)) / step) * step;
  const x = (time: number): number => left + (time - FROM) / (SLOW.seconds - FROM) * PLOT;
  const y = (mib: number): number => top + HEIGHT - (mib - least) / (most - least) * HEIGHT + 20;
  svg.text(left, top + 8, title, "title");
  for (let mib = least; mib <= most; mib += step) {
    svg.line(left, y(mib), left + PLOT, y(mib), mib === 0 ? "one" : "grid");
    svg.text(left - 8, y(mib) + 4, figureOf(mib), "faint number", "end");
  }
  for (let time = 0; time <= SLOW.seconds; time += 3) {
    svg.text(x(time), y(least) + 16, `${time} s`, "faint number", "middle");
  }
  svg.line(x(0), y(least), x(0), y(most), "one");
  svg.line(x(0), y(bound), x(SLOW.seconds), y(bound), "target dashed");
  for (const { toolkit, points } of curves) {
    svg.path(points.map(({ time, mib }) => [x(time), y(mib)]), `curve ${toolkit}`);
    const last = points.at(-1)!;
    svg.circle(x(last.time), y(last.mib), 3, toolkit);
  }
}

/** Distance of the grid lines, for three to six of them. */
function stepFor(most: number): number {
  return [5, 10, 20, 50, 100, 200, 500].find((step) => most / step <= 5) ?? 1000;
}

function figureOf(mib: number): string {
  return Number.isInteger(mib) ? String(mib) : figure(mib);
}

function drawLegend(svg: Svg): void {
  const y = 28;
  let x = 20;
  for (const toolkit of [...SHOWN].reverse()) {
    svg.rect(x, y - 6, 18, 4, toolkit, 2);
    svg.text(x + 24, y, toolkit);
    x += 100;
  }
  svg.line(x, y - 4, x + 24, y - 4, "target dashed");
  svg.text(x + 32, y, "limit for all slow readers of onepeer");
  svg.text(WIDTH - 20, y, "MiB of growth", "faint", "end");
}
