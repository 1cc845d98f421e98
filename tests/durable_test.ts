import { durableCases } from "./cases/durable.ts";
import { cases } from "./cases/mod.ts";
import { durableObjects, durableVariants } from "./durable_runtimes.ts";
import { registerCases } from "./register.ts";

await registerCases(durableCases, {}, [durableObjects]);
await registerCases([...cases, ...durableCases], { maxCaseMs: 6000 }, durableVariants);
