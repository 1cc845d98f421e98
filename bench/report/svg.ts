/** Builds an SVG image. The class of a shape sets its colours, for light and dark pages. */
export class Svg {
  readonly #width: number;
  readonly #height: number;
  readonly #title: string;
  readonly #shapes: string[] = [];

  constructor(width: number, height: number, title: string) {
    this.#width = width;
    this.#height = height;
    this.#title = title;
  }

  rect(x: number, y: number, width: number, height: number, kind: string, radius = 0): void {
    this.#add("rect", { x, y, width: Math.max(width, 0.5), height, rx: radius, class: kind });
  }

  line(x1: number, y1: number, x2: number, y2: number, kind: string): void {
    this.#add("line", { x1, y1, x2, y2, class: kind });
  }

  path(points: readonly (readonly [x: number, y: number])[], kind: string): void {
    const d = points.map(([x, y], index) => `${index ? "L" : "M"}${round(x)} ${round(y)}`).join("");
    this.#add("path", { d, class: kind });
  }

  circle(cx: number, cy: number, r: number, kind: string): void {
    this.#add("circle", { cx, cy, r, class: kind });
  }

  text(
    x: number,
    y: number,
    text: string,
    kind = "",
    anchor: "start" | "middle" | "end" = "start",
  ): void {
    this.#add("text", { x, y, "text-anchor": anchor, class: kind }, text);
  }

  toString(): string {
    const size = `width="${this.#width}" height="${this.#height}"`;
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${this.#width} ${this.#height}" role="img">`,
      `<title>${escape(this.#title)}</title>`,
      `<style>${STYLE}</style>`,
      `<rect width="${this.#width}" height="${this.#height}" rx="8" class="page"/>`,
      ...this.#shapes,
      "</svg>\n",
    ].join("\n");
  }

  #add(name: string, attributes: Readonly<Record<string, string | number>>, text?: string): void {
    const written = Object.entries(attributes).filter(([, value]) => value !== "")
      .map(([key, value]) => `${key}="${typeof value === "number" ? round(value) : value}"`);
    const start = `<${[name, ...written].join(" ")}`;
    this.#shapes.push(text === undefined ? `${start}/>` : `${start}>${escape(text)}</${name}>`);
  }
}

// The image has its own background, because an image cannot read the theme of the page.
const STYLE = `
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #3d444d; }
.page { fill: #ffffff; }
.title { font-weight: 600; font-size: 13px; fill: #1f2328; }
.faint { font-size: 11px; fill: #656d76; }
.value { font-weight: 600; fill: #1f2328; }
.number { font-variant-numeric: tabular-nums; }
.grid { stroke: #d8dee4; stroke-width: 1; }
.one { stroke: #8c959f; stroke-width: 1; }
.whisker { stroke: #1f2328; stroke-width: 1.5; }
.target { stroke: #bc4c00; stroke-width: 2; }
.met, .onepeer { fill: #2f6fd0; }
.missed { fill: #a9c7f2; }
.open { fill: #9aa4af; }
.bare { fill: #8c959f; }
.crossws { fill: #d9822b; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.curve.onepeer { stroke: #2f6fd0; stroke-width: 2.5; fill: none; }
.curve.bare { stroke: #8c959f; fill: none; }
.curve.crossws { stroke: #d9822b; fill: none; }
.target.dashed { stroke-dasharray: 4 3; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  text { fill: #c4ccd6; }
  .page { fill: #161b22; }
  .title, .value { fill: #f0f6fc; }
  .faint { fill: #9198a1; }
  .grid { stroke: #30363d; }
  .one { stroke: #7d8590; }
  .whisker { stroke: #f0f6fc; }
  .target { stroke: #f0883e; }
  .met, .onepeer { fill: #4b8df0; }
  .missed { fill: #2b4a7a; }
  .open { fill: #6e7681; }
  .bare { fill: #8b949e; }
  .crossws { fill: #e39a4a; }
  .curve.onepeer { stroke: #4b8df0; }
  .curve.bare { stroke: #8b949e; }
  .curve.crossws { stroke: #e39a4a; }
}
`;

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
