/** End-to-end tests of `examples/chat`: real pages in a real browser. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Line } from "../examples/chat/protocol.ts";
import { sayIfSkipped } from "./harness/clients/browser.ts";
import { connected, gone, heard, say, seen, test } from "./harness/clients/chat_stage.ts";

sayIfSkipped("chat");

test("chat: two pages see each other's messages, presence and typing", async (stage) => {
  const [ada, bo] = [await stage.enter("Ada"), await stage.enter("Bo")];

  await seen(ada, "#people", /Ada\s*you[^]*Bo/);
  await seen(bo, "#people", /Bo\s*you[^]*Ada/);
  await seen(ada, "#lines", /Bo joined/);
  assert.equal(await bo.locator("#people-count").textContent(), "2");

  await bo.locator("#draft").pressSequentially("hel");
  await seen(ada, "#typing", /^Bo is typing…$/);
  await bo.locator("#draft").press("Enter");
  await seen(ada, "#typing", /^$/);

  await say(ada, "<img src=x onerror=alert(1)> & <b>bold</b>");
  await heard(bo, ["hel", "<img src=x onerror=alert(1)> & <b>bold</b>"]);
  await heard(ada, ["hel", "<img src=x onerror=alert(1)> & <b>bold</b>"]);
  assert.equal(
    await bo.locator("#lines img, #lines b").count(),
    0,
    "the page did not show HTML as text",
  );
  assert.equal(await ada.locator("#lines .mine").count(), 1);

  await bo.locator("#name").fill("Bo Diddley");
  await bo.locator("#name").press("Enter");
  await seen(ada, "#people", /Bo Diddley/);
  await bo.close();
  await gone(ada, "#people", /Bo/);
});

test("chat: a client that joins later gets the last 50 messages, also after a reload", async (stage) => {
  const ada = await stage.enter("Ada");
  const said = Array.from({ length: 53 }, (_, i) => `line ${i + 1}`);
  // Three clients, as the messages of one alone would exceed the rate limit.
  for (const from of [0, 18, 36]) await talk(stage.url, said.slice(from, from + 18));
  await heard(ada, said);
  const cy = await stage.enter("Cy");
  await heard(cy, said.slice(-50));
  await cy.reload();
  await heard(cy, said.slice(-50));
});

test("chat: a message stays in its room, and a page can change rooms", async (stage) => {
  const [ada, bo] = [await stage.enter("Ada", "kitchen"), await stage.enter("Bo", "garden")];
  await say(ada, "in the kitchen");
  await say(bo, "in the garden");
  await heard(bo, ["in the garden"]);
  await heard(ada, ["in the kitchen"]);
  await gone(ada, "#people", /Bo/);

  await ada.locator("#rooms").getByRole("link", { name: /garden/ }).click();
  await heard(ada, ["in the garden"]);
  await seen(bo, "#people", /Ada/);
  assert.equal(new URL(ada.url()).pathname, "/room/garden");
  await ada.goBack();
  await heard(ada, ["in the kitchen"]);

  await ada.locator("#new-room").fill("Café No. 5");
  await ada.locator("#new-room").press("Enter");
  await seen(ada, "#room-title", /^cafe-no-5$/);
  assert.equal((await fetch(`${stage.url}room/Not%20a%20room`)).status, 404);
});

test("chat: pages reconnect to a restarted server, and show each message once", async (stage) => {
  const [ada, bo] = [await stage.enter("Ada"), await stage.enter("Bo")];
  await say(ada, "before");
  await heard(bo, ["before"]);

  stage.expectRefusals();
  await stage.kill();
  await seen(ada, "#state", /reconnecting in \d+ s…/);
  await say(ada, "meanwhile, one");
  await say(ada, "meanwhile, two");
  await ada.locator("#draft").fill("half a sent");
  await seen(ada, "#lines", /not sent yet/);
  // If Node is installed, the new server runs on Node. The pages see no difference.
  await stage.restart("node");

  await seen(ada, "#state", /^connected over WebSocket$/);
  await seen(bo, "#state", /^connected over WebSocket$/);
  const all = ["before", "meanwhile, one", "meanwhile, two"];
  await heard(bo, all);
  await heard(ada, all);
  // One process keeps its lines in memory, so the new one does not know what the pages have.
  await seen(bo, "#lines", /beforeSome messages may be missing/);
  assert.equal(await ada.locator("#draft").inputValue(), "half a sent");
  await seen(ada, "#people", /Bo/);
  await say(bo, "after");
  await heard(ada, [...all, "after"]);
  await heard(bo, [...all, "after"]);
  await gone(ada, "#lines", /not sent yet/);
});

test("chat: a page that was away gets what it has missed once, in order, and says how much", async (stage) => {
  const [ada, bo] = [await stage.enter("Ada"), await stage.enter("Bo")];
  await say(ada, "1");
  await heard(bo, ["1"]);
  const all = ["1"];
  stage.expectRefusals();
  for (const [count, note] of [[1, "1 message"], [60, "60 messages"]] as const) {
    await bo.context().setOffline(true);
    await seen(bo, "#state", /reconnecting in/);
    const missed = Array.from({ length: count }, (_, i) => `${all.length + i + 1}`);
    for (let i = 0; i < count; i += 15) await talk(stage.url, missed.slice(i, i + 15));
    all.push(...missed);
    await heard(ada, all);
    assert.notDeepEqual(await bo.locator("#lines .line-text").allTextContents(), all);
    await bo.context().setOffline(false);
    await heard(bo, all);
    await seen(bo, "#lines", new RegExp(`${note} while you were away`));
    await say(bo, `${all.length + 1}`);
    all.push(`${all.length + 1}`);
    for (const page of [ada, bo]) await heard(page, all);
  }
  const notes = await bo.locator("#lines .note").allTextContents();
  assert.deepEqual(notes.filter((note) => /message/.test(note)), [
    "1 message while you were away",
    "60 messages while you were away",
  ]);
  const first = bo.locator("#lines .note", { hasText: "60 messages" }).locator("+ li .line-text");
  assert.equal(await first.textContent(), "4", "the note is not above the first missed line");
  await ada.reload();
  await heard(ada, all.slice(-50));
  assert.equal(await ada.locator("#lines .note").count(), 0);
});

test("chat: a page that was away too long says that messages are missing, and shows the latest", async (stage) => {
  const [ada, bo] = [await stage.enter("Ada"), await stage.enter("Bo")];
  await say(ada, "0");
  await heard(bo, ["0"]);
  stage.expectRefusals();
  await bo.context().setOffline(true);
  await seen(bo, "#state", /reconnecting in/);
  const missed = Array.from({ length: 210 }, (_, i) => `${i + 1}`);
  for (let i = 0; i < 210; i += 15) await talk(stage.url, missed.slice(i, i + 15));
  await bo.context().setOffline(false);
  await heard(bo, ["0", ...missed.slice(-50)]);
  await seen(bo, "#lines", /0Some messages may be missing/);
});

test("chat: the page can be used by keyboard alone", async (stage) => {
  const [ada, bo] = [await stage.enter("Ada"), await stage.enter("Bo")];
  const { keyboard } = ada;
  await keyboard.type("hello");
  await keyboard.press("Shift+Enter");
  await keyboard.type("there");
  await keyboard.press("Enter");
  await heard(bo, ["hello\nthere"]);

  await ada.reload();
  await connected(ada);
  await ada.locator("body").evaluate(() => (document.activeElement as HTMLElement).blur());
  const stops = await tabStops(ada);
  for (
    const id of ["name", "room:lobby", "new-room", "live-toggle", "theme", "log", "draft", "Send"]
  ) {
    assert.ok(stops.some((stop) => stop.name === id), `Tab does not reach ${id}`);
  }
  for (const { name, outlined } of stops) {
    assert.ok(outlined, `no outline shows the focus on ${name}`);
  }

  await ada.locator(".skip").focus();
  await keyboard.press("Enter");
  await keyboard.type("x");
  assert.equal(await ada.locator("#draft").inputValue(), "x");

  await ada.locator("#live-toggle").focus();
  await keyboard.press("Space");
  assert.equal(await ada.locator("#live-body").isVisible(), false);
  await ada.locator('[name="theme"]:checked').focus();
  await keyboard.press("ArrowLeft");
  assert.equal(await ada.locator("html").getAttribute("data-theme"), "dark");
  await ada.locator("#rooms a", { hasText: "lobby" }).focus();
  await keyboard.press("Enter");
  await seen(ada, "#room-title", /^lobby$/);
});

test("chat: the page fits a screen of 320 pixels without sideways scrolling", async (stage) => {
  const room = "the-harbour-master-and-his-dog-x";
  const phone = { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true };
  const ada = await stage.enter("Ada, who has got rather long name", room, phone);
  await say(ada, "word ".repeat(60) + "x".repeat(300));
  await seen(ada, "#lines", /xxx/);
  await assertNoSidewaysScrolling(ada);

  await ada.locator("#panel-open").tap();
  await ada.locator("#name").waitFor();
  await assertNoSidewaysScrolling(ada);
  await ada.keyboard.press("Escape");
  await ada.locator("#panel").waitFor({ state: "hidden" });

  stage.expectRefusals();
  await stage.kill();
  await seen(ada, "#state", /reconnecting in/);
  await assertNoSidewaysScrolling(ada);
  await ada.setViewportSize({ width: 1024, height: 700 });
  await ada.locator("#name").waitFor();
});

test("chat: text has a contrast of 4.5 to 1 in the light and the dark theme", async (stage) => {
  const [ada, bo] = [await stage.enter("Ada"), await stage.enter("Bo")];
  for (const name of ["Wanda", "Uli", "Cy", "Zoe"]) await stage.enter(name);
  await say(ada, "mine");
  await say(bo, "yours");
  await heard(ada, ["mine", "yours"]);
  await bo.locator("#draft").pressSequentially("h");
  await seen(ada, "#typing", /typing/);
  await ada.locator("#new-room").fill("???");
  await ada.locator("#new-room").press("Enter");
  await assertContrast(ada);
  stage.expectRefusals();
  await stage.kill();
  await seen(ada, "#state", /reconnecting in/);
  await say(ada, "late");
  await seen(ada, "#lines", /not sent yet/);
  await assertContrast(ada);
});

test("chat: the live panel counts the peers, and gets no figures while folded", async (stage) => {
  const [ada, bo] = [await stage.enter("Ada"), await stage.enter("Bo")];
  await seen(ada, "#live-peers", /^2$/);
  await seen(ada, "#live-topics", /^4$/);
  for (let i = 0; i < 5; i++) await say(bo, `burst ${i}`);
  await seen(ada, "#live-peak", /^peak [1-9]\d*$/);
  const line = ada.locator("#live-spark .spark-line");
  const drawn = await line.getAttribute("d");
  assert.match(drawn ?? "", /^M0,[\d.]+(L\d+,[\d.]+){59}$/);
  for (const page of [ada, bo]) await page.locator("#live-toggle").click();
  await ada.waitForTimeout(300);
  const folded = await line.getAttribute("d");
  await ada.waitForTimeout(1_300);
  assert.equal(await line.getAttribute("d"), folded, "the server sent figures to a folded panel");
});

test("chat: the page has roles and names for screen readers, and strict headers", async (stage) => {
  const ada = await stage.enter("Ada");
  for (const role of ["main", "complementary", "navigation", "log"] as const) {
    assert.equal(await ada.getByRole(role).count(), 1, `the page has not exactly one ${role}`);
  }
  const nameless = await ada.locator("button, input, textarea, a, [role], section, nav, aside")
    .evaluateAll((elements) =>
      elements.filter((element) => {
        const labels = (element as HTMLInputElement).labels?.length;
        const by = element.getAttribute("aria-labelledby");
        const named = by ? document.getElementById(by)?.textContent?.trim() : element.ariaLabel;
        return !labels && !named && !element.textContent?.trim() &&
          element.getAttribute("role") !== "status";
      }).map((element) => element.outerHTML)
    );
  assert.deepEqual(nameless, []);

  const { headers } = await fetch(`${stage.url}room/lobby`);
  const policy = headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal((await fetch(stage.url, { method: "POST" })).status, 405);
});

test("chat: the server drops a repeated message, and closes on a flood or malformed messages", async (stage) => {
  const ada = await stage.enter("Ada");
  const once = { type: "say", id: crypto.randomUUID(), text: "once" };
  const twice = await converse(stage.url, [once, once, { type: "typing" }], 2);
  assert.deepEqual(twice, { code: 1005, history: [], lines: ["once"], receipts: 2 });
  await heard(ada, ["once"]);
  const later = await converse(stage.url, [], 0);
  assert.deepEqual(later.history, ["once"]);

  const line = (text: string) => ({ type: "say", id: crypto.randomUUID(), text });
  const flood = Array.from({ length: 60 }, (_, i) => line(`flood ${i}`));
  const nonsense = [[], { type: "say" }, line(" \n"), line("x".repeat(2_001)), { type: "rename" }];
  for (const messages of [flood, ...nonsense.map((message) => [message])]) {
    assert.equal((await converse(stage.url, messages)).code, 1008);
  }
  await say(ada, "still here");
  await seen(ada, "#lines", /still here$/);
});

interface Conversation {
  readonly code: number;
  /** Texts that came before the welcome. */
  readonly history: readonly string[];
  /** Texts that came afterwards. */
  readonly lines: readonly string[];
  readonly receipts: number;
}

/** Talks to the lobby without a page, until `enough` receipts came or the server closes. */
function converse(
  url: string,
  messages: readonly unknown[],
  enough = Infinity,
): Promise<Conversation> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}room/lobby?name=Poet`);
    const history: string[] = [], lines: string[] = [];
    let isWelcome = false, receipts = 0;
    socket.onopen = () => {
      for (const message of messages) socket.send(JSON.stringify(message));
    };
    socket.onmessage = ({ data }) => {
      const { type, line }: { type: string; line: Line } = JSON.parse(data);
      if (type === "line") (isWelcome ? lines : history).push(line.text);
      if (type === "welcome") isWelcome = true;
      if (type === "kept") receipts++;
      if (isWelcome && receipts >= enough) socket.close();
    };
    socket.onclose = ({ code }) => resolve({ code, history, lines, receipts });
  });
}

/** Says lines in the lobby without a page. At most 20, for the rate limit. */
async function talk(url: string, texts: readonly string[]): Promise<void> {
  const lines = texts.map((text) => ({ type: "say", id: crypto.randomUUID(), text }));
  await converse(url, lines, lines.length);
}

/** Elements that Tab reaches in one round of the page, and whether each shows the focus. */
async function tabStops(page: Page): Promise<{ name: string; outlined: boolean }[]> {
  const stops: { name: string; outlined: boolean }[] = [];
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement as HTMLInputElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const room = element.getAttribute("href")?.replace("/room/", "room:");
      return {
        name: room ?? (element.id || element.name || element.textContent.trim()),
        outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
        isBody: element === document.body as HTMLElement,
      };
    });
    if (stops.some(({ name }) => name === stop.name)) break;
    if (!stop.isBody) stops.push(stop);
  }
  return stops;
}

async function assertNoSidewaysScrolling(page: Page): Promise<void> {
  const wide = await page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll("#log, #panel, .browse, .bar")]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => `${element.id || element.className || element.tagName}`)
  );
  assert.deepEqual(wide, []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= 320), true);
}

/** Checks the contrast of each visible text in both themes (WCAG 2.2, 1.4.3: 4.5 to 1). */
async function assertContrast(page: Page): Promise<void> {
  const backgrounds: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const found = await page.evaluate(measureContrast);
    assert.ok(found.length > 15, `found only ${found.length} texts`);
    const faint = found.filter(({ ratio }) => ratio < 4.5);
    assert.deepEqual(faint, [], `contrast too low in ${colorScheme}`);
    backgrounds.push(
      await page.locator("#room").evaluate((room) => getComputedStyle(room).backgroundColor),
    );
  }
  assert.notEqual(backgrounds[0], backgrounds[1], "both themes have the same background");
}

/** Runs in the page. */
function measureContrast(): { text: string; ratio: number }[] {
  const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color: string) => {
    const [r = 0, g = 0, b = 0] = channels(color).slice(0, 3).map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element: Element | null): string => {
    if (!element) return "rgb(255, 255, 255)";
    const color = getComputedStyle(element).backgroundColor;
    return channels(color)[3] === 0 ? behind(element.parentElement) : color;
  };
  const results: { text: string; ratio: number }[] = [];
  const measure = (element: Element, text: string, color: string) => {
    const [a, b] = [luminance(color), luminance(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    results.push({ text, ratio: Math.round(ratio * 100) / 100 });
  };
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
      .map((node) => node.textContent).join("").trim();
    if (text) measure(element, text, getComputedStyle(element).color);
    if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
      measure(element, "placeholder", getComputedStyle(element, "::placeholder").color);
      measure(element, "value", getComputedStyle(element).color);
    }
  }
  return results;
}
