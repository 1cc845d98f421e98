import process from "node:process";

/** The line that the server prints: name, URL and runtime. Has colours only on a terminal. */
export function banner(url: string): string {
  return [name("onepeer chat"), link(url), style("2", `${runtime()}, Ctrl+C to stop`)].join("  ");
}

/** The line of one node of several: name, URL and process. */
export function nodeBanner(number: number, url: string, pid: number): string {
  return [name(`onepeer chat, node ${number}`), link(url), style("2", `process ${pid}`)].join("  ");
}

function runtime(): string {
  const { deno, node } = process.versions;
  return deno ? `Deno ${deno}` : `Node ${node}`;
}

function name(text: string): string {
  return style("1;38;5;72", text);
}

function link(url: string): string {
  return style("4", url);
}

function style(code: string, text: string): string {
  const isPlain = !process.stdout.isTTY || Boolean(process.env["NO_COLOR"]);
  return isPlain ? text : `\x1b[${code}m${text}\x1b[0m`;
}
