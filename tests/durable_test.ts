import { durableCases } from "./cases/durable.ts";
import { cases } from "./cases/mod.ts";
import { durableObjects, durableVariants } from "./durable_runtimes.ts";
import { registerCases } from "./register.ts";

await registerCases(durableCases, {}, [durableObjects]);
// Not the pass with evictions: what falls between two of them is chance, and counters start anew. It
// is run by `deno task conformance durable-evicted`; cases of `hibernation.ts` evict where they must.
const steady = durableVariants.filter(({ name }) => name !== "durable-evicted");
await registerCases([...cases, ...durableCases], { maxCaseMs: 6000 }, steady);
