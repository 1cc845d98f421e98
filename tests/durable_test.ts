import { cases } from "./cases/mod.ts";
import { durableVariants } from "./durable_runtimes.ts";
import { registerCases } from "./register.ts";

await registerCases(cases, {}, durableVariants);
