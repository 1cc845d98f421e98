import { sseCases } from "./cases/sse.ts";
import { registerCases } from "./harness/registration.ts";
import { runtimesOf } from "./harness/runtime_suites.ts";

await registerCases(sseCases, {}, runtimesOf.sse);
