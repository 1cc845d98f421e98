/** The chat behind a proxy that blocks WebSockets: real pages in a real browser. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { sayIfSkipped } from "./harness/clients/browser.ts";
import { connected, gone, heard, say, seen, test, until } from "./harness/clients/chat_stage.ts";
import { type ProxyManners, ReverseProxy } from "./harness/clients/reverse_proxy.ts";

sayIfSkipped("chat over SSE");

/** Starts a proxy before the chat at a URL. */
function proxy(url: string, manners: ProxyManners): Promise<ReverseProxy> {
  return ReverseProxy.start(Number(new URL(url).port), manners);
}

/** Turns the switch, and waits until the page has reconnected. */
async function turn(page: Page, on: boolean): Promise<void> {
  await page.locator("#no-websocket").setChecked(on);
  await seen(page, "#state", on ? /^connected over SSE$/ : /^connected over WebSocket$/);
  await connected(page);
}

test("chat over SSE: a page whose WebSocket is blocked chats with a page over WebSocket", async (stage) => {
  await using blocking = await proxy(stage.url, { upgrades: false });
  stage.expectRefusals();
  const ada = await stage.enter("Ada");
  const bo = await stage.enter("Bo", "lobby", {}, blocking.url);
  await seen(ada, "#state", /^connected over WebSocket$/);
  await seen(bo, "#state", /^connected over SSE$/);
  await seen(ada, "#people", /Bo/);
  await say(bo, "by HTTP\nalone: ö \u{1f600}");
  await heard(ada, ["by HTTP\nalone: ö \u{1f600}"]);
  await say(ada, "got it");
  await heard(bo, ["by HTTP\nalone: ö \u{1f600}", "got it"]);
  await bo.locator("#draft").pressSequentially("hm");
  await seen(ada, "#typing", /^Bo is typing…$/);
  assert.equal(
    await ada.locator("#people-count").textContent(),
    "2",
    "the failed WebSocket left a peer behind",
  );

  // A page that closes tells the server, so the others need not wait for the grace period.
  await bo.goto(`${stage.url}room/attic`);
  await gone(ada, "#people", /Bo/);
});

test("chat over SSE: the switch changes only its tab, survives a reload, and works by keyboard", async (stage) => {
  const [ada, bo] = [await stage.enter("Ada"), await stage.enter("Bo")];
  await seen(ada, "#lines", /Bo joined/);
  await bo.locator("#no-websocket").focus();
  await bo.keyboard.press("Space");
  await seen(bo, "#state", /^connected over SSE$/);
  assert.equal(await bo.getByRole("switch", { name: "No WebSocket", checked: true }).count(), 1);
  await say(bo, "over SSE");
  await heard(ada, ["over SSE"]);
  await bo.reload();
  await seen(bo, "#state", /^connected over SSE$/);
  await heard(bo, ["over SSE"]);
  await turn(bo, false);
  await say(bo, "over WebSocket");
  await heard(ada, ["over SSE", "over WebSocket"]);
  assert.equal(await ada.locator("#people-count").textContent(), "2");
  const news = await ada.locator("#lines").textContent() ?? "";
  assert.equal(
    news.match(/Bo (?:joined|left)/g)?.length,
    1,
    "a change of transport was announced as leave or join",
  );
});

test("chat over SSE: pages resume after cut connections without a lost or repeated message", async (stage) => {
  await using cutting = await proxy(stage.url, {});
  stage.expectRefusals();
  const ada = await stage.enter("Ada");
  const bo = await stage.enter("Bo", "lobby", {}, cutting.url);
  await turn(bo, true);
  await seen(ada, "#people", /Bo/);
  cutting.passed.length = 0;
  const said: string[] = [];
  for (let i = 0; i < 6; i++) {
    const [a, b] = [`from Ada ${i}`, `from Bo ${i}`];
    await Promise.all([say(ada, a), say(bo, b)]);
    cutting.cut();
    said.push(a, b);
    await ada.waitForTimeout(150);
  }
  for (const page of [ada, bo]) {
    await until(async () => {
      const shown = await page.locator("#lines .line-text").allTextContents();
      return shown.toSorted().join() === said.toSorted().join() || `the page shows ${shown}`;
    });
  }
  assert.equal(await bo.locator("#lines .unconfirmed").count(), 0);
  const orders = await Promise.all(
    [ada, bo].map((page) => page.locator("#lines .line-text").allTextContents()),
  );
  assert.deepEqual(orders[0], orders[1]);
  const asked = cutting.passed.filter(({ method }) => method === "GET");
  assert.ok(asked.length >= 3, `the connection was cut only ${asked.length} times`);
  for (const { headers } of asked) {
    assert.ok(headers["last-event-id"], "a reconnecting page began a new session");
  }
  assert.equal(await bo.locator("#state").getAttribute("data-state"), "connected");
});
