/** End-to-end test of `examples/chat/cluster.ts`: pages of one room on different nodes. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { RedisServer } from "./brokers/redis_server.ts";
import { browserTest, sayIfSkipped } from "./harness/clients/browser.ts";
import {
  connected,
  gone,
  heard,
  say,
  seen,
  Stage,
  test,
  until,
} from "./harness/clients/chat_stage.ts";
import { ReverseProxy } from "./harness/clients/reverse_proxy.ts";
import { hasCommand } from "./brokers/server_process.ts";

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
    const all = ["from node 1", "from node 2", "and again"];
    for (const page of [ada, bo, dee]) await heard(page, all);
    await heard(cy, []);
    await cy.goto(`${first}room/lobby`);
    await heard(cy, all);
  },
  "cluster",
);

test(
  "chat: a page shows the people of all nodes, also after a reload",
  async (stage) => {
    const [first, second, third] = stage.urls;
    const ada = await stage.enter("Ada", "lobby", {}, first);
    const bo = await stage.enter("Bo", "lobby", {}, second);
    await stage.enter("Cy", "garden", {}, third);
    await seen(ada, "#people", /Ada\s*you[^]*Bo/);
    await seen(bo, "#people", /Bo\s*you[^]*Ada/);
    await bo.locator("#name").fill("Bo Diddley");
    await bo.locator("#name").press("Enter");
    await seen(ada, "#people", /Bo Diddley/);
    await ada.reload();
    await seen(ada, "#people", /Ada\s*you[^]*Bo Diddley/);
    await gone(ada, "#people", /Cy/);
    await bo.close();
    await gone(ada, "#people", /Bo/);
  },
  "cluster",
);

test(
  "chat: if a node is killed, its pages come back elsewhere, and miss and double no line",
  loseNode,
  "cluster",
);

if (await hasCommand("redis-server")) {
  browserTest(
    "chat over Redis: if a node is killed, its pages miss and double no line",
    async () => {
      await using redis = await RedisServer.start();
      await using stage = await Stage.set("cluster", `redis://127.0.0.1:${redis.port}`);
      await loseNode(stage);
    },
  );
} else console.error("\n*** NOT RUN: needs redis-server: the chat over Redis ***\n");

/** Kills the first node while numbered lines are written on the second. */
async function loseNode(stage: Stage): Promise<void> {
  const [first, second, third] = stage.urls;
  await using balancer = await ReverseProxy.start(portOf(first!));
  stage.expectRefusals();
  const ada = await stage.enter("Ada", "lobby", {}, second);
  const bo = await stage.enter("Bo", "lobby", {}, balancer.url);
  const cy = await stage.enter("Cy", "lobby", {}, first);
  const said: string[] = [];
  const count = async (to: number) => {
    while (said.length < to) {
      said.push(`${said.length + 1}`);
      await say(ada, said.at(-1)!);
    }
  };
  await count(5);
  await heard(bo, said);
  balancer.port = portOf(third!);
  stage.killNode(0);
  await count(10);
  await say(bo, "from Bo");
  await count(30);
  await hasAll(bo, said, "from Bo");
  // The first node starts again on its port.
  await until(async () => {
    const retry = cy.locator("#retry");
    if (await retry.isVisible()) await retry.click({ timeout: 200 }).catch(() => {});
    return await cy.locator("#state").getAttribute("data-state") === "connected" || "away";
  });
  await connected(cy);
  await say(cy, "from Cy");
  for (const page of [ada, bo, cy]) await hasAll(page, said, "from Bo", "from Cy");
  const [one, ...others] = await Promise.all([ada, bo, cy].map(linesOf));
  for (const other of others) assert.deepEqual(other, one, "the pages have different orders");
  for (const page of [bo, cy]) {
    await seen(page, "#lines", /\d+ messages? while you were away/);
    await gone(page, "#lines", /missing|not sent yet/);
  }
  await ada.reload();
  assert.deepEqual(await linesWhenComplete(ada, one!.length), one);
  for (const page of [ada, bo, cy]) {
    // The killed node's own entries end with their lease.
    await seen(page, "#people-count", /^3$/);
    for (const name of [/Ada/, /Bo/, /Cy/]) await seen(page, "#people", name);
  }
}

/** Waits until a page has exactly the numbered lines, in order, with the lines of others between. */
function hasAll(page: Page, numbered: readonly string[], ...others: string[]): Promise<void> {
  return until(async () => {
    const lines = await linesOf(page);
    const isRight = lines.filter((line) => /^\d+$/.test(line)).join() === numbered.join() &&
      lines.filter((line) => !/^\d+$/.test(line)).join() === others.join();
    return isRight || `the page shows ${lines}`;
  });
}

async function linesWhenComplete(page: Page, count: number): Promise<string[]> {
  await until(async () => (await linesOf(page)).length >= count || "lines are missing");
  return await linesOf(page);
}

function linesOf(page: Page): Promise<string[]> {
  return page.locator("#lines .line-text").allTextContents();
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
