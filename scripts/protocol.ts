/**
 * Runs the protocol battery: `deno task protocol [runtime…] [--case=ID]`; `node` means every Node.
 *
 * @module
 */
import { runBattery } from "../tests/protocol/battery.ts";
import { sections } from "../tests/protocol/mod.ts";
import { runtimes } from "../tests/runtimes.ts";

const only = Deno.args.find((it) => it.startsWith("--case="))?.slice(7) ?? "";
const names = Deno.args.filter((it) => !it.startsWith("--"));
for (
  const rt of runtimes.filter((it) => !names.length || names.some((n) => it.name.startsWith(n)))
) {
  const t = performance.now();
  const out = await runBattery(rt, sections, only);
  console.log(rt.title, Math.round(performance.now() - t));
  if ("missing" in out) continue;
  const count: Record<string, number> = {};
  for (const o of out) {
    count[o.status] = (count[o.status] ?? 0) + 1;
    if (
      o.status === "failed" || (o.status === "non-strict" && Deno.args.includes("--all"))
    ) console.log(" ", o.status, o.id, "|", o.detail);
  }
  console.log(count);
}
