import { durableCases } from "./cases/durable.ts";
import { cases } from "./cases/mod.ts";
import { durableObjects, durableVariants } from "./durable_runtimes.ts";
import { registerCases } from "./register.ts";

// What they count is that of a life in memory: whose, depends on when the object is evicted.
const COUNTED_IN_A_LIFE: readonly string[] = ["B4.close", "C12.both"];

await registerCases(durableCases, {}, [durableObjects]);
const lasting = [...cases, ...durableCases].filter(({ id }) => !COUNTED_IN_A_LIFE.includes(id));
// An eviction takes up to 40 ms.
await registerCases(lasting, { maxCaseMs: 6000 }, durableVariants);
