import { FarNetwork } from "./faults/far_network.ts";
import { FAULT_SUITE, faults } from "./faults/mod.ts";
import { registerCases } from "./harness/registration.ts";
import { runtimesOf } from "./harness/runtime_suites.ts";

const canCut = await FarNetwork.isPossible();
const cases = faults.filter(({ id }) => canCut || !id.startsWith("black-hole."));

if (!canCut) {
  const notice = "black-holed connections were NOT tested: a network namespace needs root and `ip`";
  console.log(`\n*** ${notice} ***\n`);
  Deno.test({ name: notice, ignore: true, fn() {} });
}
await registerCases(cases, FAULT_SUITE, runtimesOf.faults);
