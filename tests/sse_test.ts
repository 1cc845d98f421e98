import { sseCases } from "./cases/sse.ts";
import { sseHttp2 } from "./cases/sse_http2.ts";
import { registerCases } from "./harness/registration.ts";
import { runtimesOf } from "./harness/runtime_suites.ts";

await registerCases(sseCases, {}, runtimesOf.sse);
// Of all servers under test, Deno's alone speaks HTTP/2 reliably on a port without TLS. For HTTP/2
// with TLS, also on Node, see tests/serve_test.ts.
await registerCases(sseHttp2, {}, runtimesOf.sse.filter(({ name }) => name === "sse-deno"));
