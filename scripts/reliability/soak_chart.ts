import { Svg } from "../../bench/report/svg.ts";
import type { SoakResult } from "../../tests/soak/soak.ts";

/** The soak result of a runtime. */
export interface Soaked {
  readonly title: string;
  readonly result: SoakResult;
}

const WIDTH = 800, LEFT = 190, RIGHT = 780, TOP = 76, ROW = 44, MIB = 2 ** 20;
const MARKS = ["p50", "p99", "p999", "max"] as const;
const NAMES = { p50: "p50", p99: "p99", p999: "p99.9", max: "max" };
const LEAST_MS = 0.1, MOST_MS = 1000;

/** Latencies of each runtime, from the median to the maximum, on a logarithmic axis. */
export function latencyChart(soaked: readonly Soaked[]): Svg {
  const bottom = TOP + soaked.length * ROW;
  const svg = new Svg(WIDTH, bottom + 30, "Latency under mixed load");
  svg.text(20, 26, "Latency under mixed load", "title");
  svg.text(WIDTH - 20, 26, "ms, logarithmic", "faint", "end");
  drawLegend(svg);
  for (let ms = LEAST_MS; ms <= MOST_MS; ms *= 10) {
    svg.line(x(ms), TOP - 12, x(ms), bottom, "grid");
    svg.text(x(ms), bottom + 16, String(Number(ms.toFixed(1))), "faint number", "middle");
  }
  soaked.forEach(({ title, result: { latency } }, index) => {
    const y = TOP + index * ROW;
    svg.text(20, y + 14, title, "value");
    drawMarks(svg, y + 4, latency.echo, "onepeer");
    drawMarks(svg, y + 20, latency.publish, "crossws");
  });
  return svg;
}

function drawMarks(svg: Svg, y: number, found: Record<typeof MARKS[number], number>, kind: string) {
  svg.line(x(found.p50), y, x(found.max), y, "one");
  for (const mark of MARKS) {
    if (mark === "max") svg.line(x(found.max), y - 5, x(found.max), y + 5, "whisker");
    else svg.circle(x(found[mark]), y, mark === "p50" ? 5 : mark === "p99" ? 4 : 3, kind);
  }
}

function drawLegend(svg: Svg): void {
  svg.circle(24, 44, 5, "onepeer");
  svg.text(36, 48, "echo");
  svg.circle(88, 44, 5, "crossws");
  svg.text(100, 48, "publish");
  svg.text(180, 48, `from large to small: ${MARKS.map((mark) => NAMES[mark]).join(", ")}`, "faint");
}

function x(ms: number): number {
  const clamped = Math.min(Math.max(ms, LEAST_MS), MOST_MS);
  return LEFT + Math.log(clamped / LEAST_MS) / Math.log(MOST_MS / LEAST_MS) * (RIGHT - LEFT);
}

const PLOT_WIDTH = 340, PLOT_HEIGHT = 110, PITCH_X = 390, PITCH_Y = 170;

/** Memory of each runtime's process without clients, after each cycle. */
export function restChart(soaked: readonly Soaked[]): Svg {
  const rows = Math.ceil(soaked.length / 2);
  const svg = new Svg(WIDTH, 60 + rows * PITCH_Y, "Memory without clients");
  svg.text(20, 26, "Memory without clients, after each cycle", "title");
  svg.line(360, 22, 384, 22, "curve onepeer");
  svg.text(392, 26, "heap and buffers");
  svg.line(510, 22, 534, 22, "curve bare");
  svg.text(542, 26, "resident");
  svg.text(WIDTH - 20, 26, "MiB", "faint", "end");
  soaked.forEach((it, index) => {
    drawPlot(svg, 44 + (index % 2) * PITCH_X, 60 + Math.floor(index / 2) * PITCH_Y, it);
  });
  return svg;
}

function drawPlot(svg: Svg, left: number, top: number, { title, result: { atRest } }: Soaked) {
  const most = Math.ceil(Math.max(...atRest.map(({ rss }) => rss)) / MIB / 50) * 50;
  const last = atRest.at(-1)!.at;
  const at = (seconds: number) => left + seconds / last * PLOT_WIDTH;
  const y = (bytes: number) => top + 14 + PLOT_HEIGHT * (1 - bytes / MIB / most);
  svg.text(left, top, title, "value");
  for (const mib of [0, most / 2, most]) {
    svg.line(left, y(mib * MIB), left + PLOT_WIDTH, y(mib * MIB), mib === 0 ? "one" : "grid");
    svg.text(left - 8, y(mib * MIB) + 4, String(mib), "faint number", "end");
  }
  svg.text(left + PLOT_WIDTH, y(0) + 16, `${last} s`, "faint number", "end");
  const curve = (kind: string, of: (it: typeof atRest[number]) => number) => {
    svg.path(atRest.map((it) => [at(it.at), y(of(it))] as const), `curve ${kind}`);
    for (const it of atRest) svg.circle(at(it.at), y(of(it)), 2.5, kind);
  };
  curve("bare", ({ rss }) => rss);
  curve("onepeer", ({ heap, external }) => heap + external);
}
