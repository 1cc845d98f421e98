/** Deno's own types fit the adapter for Deno. `deno check` checks this file; no test runs it. */
import adapter, { type DenoAdapter, type DenoServeInfo } from "../../adapters/deno.ts";

const ws: DenoAdapter = adapter();

Deno.serve((request, info) => ws.handleUpgrade(request, info));
Deno.serve({ path: "./socket" }, (request, info) => ws.handleUpgrade(request, info));
Deno.serve((request) => ws.handleUpgrade(request));

const server: Deno.ServeDefaultExport = {
  fetch: (request, info) => ws.handleUpgrade(request, info),
};
export default server;

export function fits(
  any: Deno.ServeHandlerInfo,
  tcp: Deno.ServeHandlerInfo<Deno.NetAddr>,
  unix: Deno.ServeHandlerInfo<Deno.UnixAddr>,
): DenoServeInfo[] {
  return [any, tcp, unix, { remoteAddr: {} }];
}

export const handler: Deno.ServeHandler = (request, info) => ws.handleUpgrade(request, info);

// @ts-expect-error the address is an object
void ws.handleUpgrade(new Request("http://a.example"), { remoteAddr: "192.0.2.1" });
