/** End-to-end test of `examples/chat/cluster.ts`: pages of one room on different nodes. */
import { sayIfSkipped } from "./harness/clients/browser.ts";
import { heard, say, seen, test } from "./harness/clients/chat_stage.ts";

sayIfSkipped("chat on several nodes");

test(
  "chat: a line crosses the nodes, in the order of each writer, and stays in its room",
  async (stage) => {
    const [first, second, third] = stage.urls;
    const ada = await stage.enter("Ada", "lobby", {}, first);
    const bo = await stage.enter("Bo", "lobby", {}, second);
    const cy = await stage.enter("Cy", "garden", {}, third);
    const dee = await stage.enter("Dee", "lobby", {}, third);
    await say(ada, "from node 1");
    for (const page of [ada, bo, dee]) await heard(page, ["from node 1"]);
    await bo.locator("#draft").pressSequentially("hel");
    await seen(ada, "#typing", /^Bo is typing…$/);
    for (const line of ["from node 2", "and again"]) await say(bo, line);
    for (const page of [ada, bo, dee]) {
      await heard(page, [
        "from node 1",
        "from node 2",
        "and again",
      ]);
    }
    await heard(cy, []);
  },
  "cluster",
);
