import type { Cell } from "../cells.ts";
import { benchRuntimes } from "../runtimes.ts";
import { amount, bound } from "../format.ts";
import { Svg } from "./svg.ts";

const WIDTH = 800, LEFT = 150, RIGHT = 620, TOP = 52, ROW = 22, BAR = 12, HEAD = 26, GAP = 14;
const TICKS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];

/**
 * Draws a bar for each cell from 1 to its ratio, with the confidence interval and the target. The axis
 * is logarithmic, so that twice and half are equally far from 1.
 */
export function ratioChart(title: string, cells: readonly Cell[]): Svg {
  const groups = [...new Set(cells.map(({ scenario }) => scenario))];
  const height = TOP + groups.length * (HEAD + GAP) + cells.length * ROW + 34;
  const svg = new Svg(WIDTH, height, title);
  const scale = scaleOver(cells);
  drawAxis(svg, scale, height);
  drawLegend(svg);
  let y = TOP;
  for (const group of groups) {
    svg.text(20, y + 14, group.title, "title");
    svg.text(RIGHT + 16, y + 14, `against ${group.versus}`, "faint");
    y += HEAD;
    for (const cell of cells.filter(({ scenario }) => scenario === group)) {
      drawCell(svg, scale, cell, y);
      y += ROW;
    }
    y += GAP;
  }
  return svg;
}

interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

function scaleOver(cells: readonly Cell[]): Scale {
  const values = cells.flatMap(({ estimate, target }) => [
    estimate.low,
    estimate.high,
    target?.value ?? 1,
  ]);
  const least = Math.max(...TICKS.filter((tick) => tick <= Math.min(...values, 0.5)));
  const most = Math.min(...TICKS.filter((tick) => tick >= Math.max(...values, 2)));
  const span = Math.log(most / least);
  return {
    ticks: TICKS.filter((tick) => tick >= least && tick <= most),
    at: (value) => LEFT + Math.log(value / least) / span * (RIGHT - LEFT),
  };
}

function drawAxis(svg: Svg, scale: Scale, height: number): void {
  for (const tick of scale.ticks) {
    const x = scale.at(tick);
    svg.line(x, TOP + HEAD - 6, x, height - 30, tick === 1 ? "one" : "grid");
    svg.text(x, height - 14, `${tick}×`, "faint number", "middle");
  }
}

function drawLegend(svg: Svg): void {
  const y = 28;
  svg.rect(20, y - 9, 18, 10, "met", 2);
  svg.text(44, y, "reaches its target");
  svg.rect(166, y - 9, 18, 10, "missed", 2);
  svg.text(190, y, "misses it");
  svg.line(270, y - 12, 270, y + 3, "target");
  svg.text(278, y, "target");
  svg.line(336, y - 4, 360, y - 4, "whisker");
  svg.text(368, y, "95 % interval of the median");
  svg.text(WIDTH - 20, y, "right of 1×: onepeer takes less CPU", "faint", "end");
}

function drawCell(svg: Svg, scale: Scale, cell: Cell, y: number): void {
  const { estimate, target, isMet } = cell;
  const middle = y + ROW / 2 - 2;
  const runtime = benchRuntimes.find(({ name }) => name === cell.runtime)!;
  svg.text(LEFT - 12, middle + 4, runtime.short, "", "end");
  const from = scale.at(Math.min(1, estimate.value)), to = scale.at(Math.max(1, estimate.value));
  const kind = isMet === undefined ? "open" : isMet ? "met" : "missed";
  svg.rect(from, middle - BAR / 2, to - from, BAR, kind, 2);
  const low = scale.at(estimate.low), high = scale.at(estimate.high);
  svg.line(low, middle, high, middle, "whisker");
  for (const end of [low, high]) svg.line(end, middle - 3, end, middle + 3, "whisker");
  if (target) {
    const x = scale.at(target.value);
    svg.line(x, middle - BAR / 2 - 3, x, middle + BAR / 2 + 3, "target");
  }
  svg.text(RIGHT + 16, middle + 4, amount(estimate.value, "ratio"), "value number");
  const verdict = isMet === undefined ? "no target" : `${isMet ? "✓" : "✗"} ${bound(cell)}`;
  svg.text(RIGHT + 74, middle + 4, verdict, "faint number");
}
