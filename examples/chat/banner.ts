import process from "node:process";

/** The line that the server prints: name, URL and runtime. Has colours only on a terminal. */
export function banner(url: string): string {
  const isPlain = !process.stdout.isTTY || Boolean(process.env["NO_COLOR"]);
  const style = (code: string, text: string) => isPlain ? text : `\x1b[${code}m${text}\x1b[0m`;
  const { deno, node } = process.versions;
  const runtime = deno ? `Deno ${deno}` : `Node ${node}`;
  return [
    style("1;38;5;72", "onepeer chat"),
    style("4", url),
    style("2", `${runtime}, Ctrl+C to stop`),
  ].join("  ");
}
