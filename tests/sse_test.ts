import { sseCases } from "./cases/sse.ts";
import { registerCases } from "./harness/registration.ts";
import { sseRuntimes } from "./runtimes/sse.ts";

await registerCases(sseCases, {}, sseRuntimes);
