import { sseCases } from "./cases/sse.ts";
import { registerCases } from "./register.ts";
import { sseRuntimes } from "./sse_runtimes.ts";

await registerCases(sseCases, {}, sseRuntimes);
