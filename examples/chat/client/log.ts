/// <reference lib="dom" />
import type { Line } from "../protocol.ts";
import { byId, make } from "./dom.ts";
import { tabStorage } from "./storage.ts";
import { monogram } from "./monogram.ts";
import type { Unconfirmed } from "./outgoing.ts";

/** Maximum number of entries. The page removes older ones. */
const MAX_ENTRIES = 400;
/** Milliseconds in which consecutive lines of one writer share a heading. */
const GROUP_WITHIN = 5 * 60_000;
/** Milliseconds after which the page marks an unconfirmed line. */
const LATE_AFTER = 400;
/** Milliseconds for which a line that the room has waits for its place between the other lines. */
const PLACE_WITHIN = 2_000;
/** Entry where lines may be missing. */
export const MISSED = "Some messages may be missing";
/** Distance from the end in pixels that still counts as the end. */
const END_MARGIN = 48;

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** The lines of a room, oldest first, then the unconfirmed lines. Shows no line twice. */
export class Log {
  readonly #view = byId("log", HTMLElement);
  readonly #list = byId("lines", HTMLOListElement);
  readonly #empty = byId("empty", HTMLElement);
  readonly #toEnd = byId("to-end", HTMLButtonElement);
  readonly #shown = new Map<string, HTMLLIElement>();
  /** Ids of the lines written in this tab. They are still "You" after a reload. */
  readonly #mine = new Set(tabStorage.get("mine")?.split(" "));

  /** Lines of others that came since `beginCatchUp()`; absent after `endCatchUp()`. */
  #caughtUp: HTMLLIElement[] | undefined;
  #wasAtEnd = true;
  #wasEmpty = true;

  constructor() {
    this.#view.addEventListener("scroll", () => {
      if (this.#isAtEnd) this.#toEnd.hidden = true;
    }, { passive: true });
    this.#toEnd.addEventListener("click", () => {
      this.scrollToEnd();
      this.#view.focus();
    });
    new ResizeObserver(() => this.#isFollowing && this.scrollToEnd()).observe(this.#view);
  }

  get #isAtEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#view;
    return scrollHeight - scrollTop - clientHeight < END_MARGIN;
  }

  get #isFollowing(): boolean {
    return this.#toEnd.hidden !== false;
  }

  clear(): void {
    this.#shown.clear();
    this.#list.replaceChildren();
    this.#empty.hidden = false;
    this.#toEnd.hidden = true;
  }

  /**
   * The lines that follow are older, until `endCatchUp()`. A screen reader does not read them aloud.
   */
  beginCatchUp(): void {
    this.#view.ariaBusy = "true";
    this.#caughtUp = [];
    this.#wasAtEnd = this.#isAtEnd;
    this.#wasEmpty = this.#shown.size === 0;
  }

  /** Says above the lines that came in between how many they are, or that some may be missing. */
  endCatchUp(missed: boolean): void {
    const lines = this.#caughtUp ?? [], count = lines.length;
    this.#caughtUp = undefined;
    const messages = count === 1 ? "1 message" : `${count} messages`;
    if (missed) this.note(MISSED, lines[0]);
    else if (count > 0 && !this.#wasEmpty) this.note(`${messages} while you were away`, lines[0]);
    this.#view.ariaBusy = "false";
    if (this.#wasAtEnd) this.scrollToEnd();
    else if (count > 0) this.#toEnd.hidden = false;
  }

  /** Shows a line of the room. */
  add(line: Line): void {
    if (this.#caughtUp) return void this.#show(line);
    const follow = this.#isAtEnd;
    const isNew = this.#show(line);
    if (follow) this.scrollToEnd();
    else if (isNew) this.#toEnd.hidden = false;
  }

  /** Confirms a line. If the line itself does not come, it is older than all lines of this page. */
  kept(id: string): void {
    const item = this.#shown.get(id);
    if (item) setTimeout(() => this.#confirm(item), PLACE_WITHIN);
  }

  /** Shows the user's own line before the server has accepted it. */
  addUnconfirmed({ id, text }: Unconfirmed): void {
    if (this.#shown.has(id)) return;
    this.#mine.add(id);
    tabStorage.set("mine", [...this.#mine].slice(-100).join(" "));
    const item = lineItem({ id, from: "", name: "You", text, at: Date.now() }, true);
    item.dataset["state"] = "sending";
    this.#insert(item, id);
    this.scrollToEnd();
    setTimeout(() => this.#markLate(item), LATE_AFTER);
  }

  /** Adds an entry without a writer, for example "Bo joined". By default below the lines. */
  note(text: string, before: Element | null = this.#firstUnconfirmed): void {
    const follow = this.#isAtEnd;
    const item = make("li", "note", text);
    this.#list.insertBefore(item, before);
    this.#regroup(item.nextElementSibling);
    this.#trim();
    if (follow) this.scrollToEnd();
  }

  scrollToEnd(): void {
    this.#view.scrollTop = this.#view.scrollHeight;
    this.#toEnd.hidden = true;
  }

  #markLate(item: HTMLElement): void {
    if (item.dataset["state"] !== "sending") return;
    item.classList.add("late");
    item.append(make("p", "sending", "not sent yet"));
    if (this.#isFollowing) this.scrollToEnd();
  }

  get #firstUnconfirmed(): Element | null {
    return this.#list.querySelector("[data-state=sending]");
  }

  #show(line: Line): boolean {
    const shown = this.#shown.get(line.id);
    if (shown) {
      this.#confirm(shown, line.at);
      return false;
    }
    const isMine = this.#mine.has(line.id), item = lineItem(line, isMine);
    this.#insert(item, line.id);
    if (!isMine) this.#caughtUp?.push(item);
    return true;
  }

  #confirm(item: HTMLLIElement, at: number = Number(item.dataset["at"])): void {
    if (item.dataset["state"] !== "sending") return;
    delete item.dataset["state"];
    item.classList.remove("late");
    item.querySelector(".sending")?.remove();
    showTime(item, at);
    // Confirmed lines of all writers come before unconfirmed lines.
    const next = this.#firstUnconfirmed;
    if (next && next.compareDocumentPosition(item) & Node.DOCUMENT_POSITION_FOLLOWING) {
      this.#list.insertBefore(item, next);
    }
    this.#regroupAll();
  }

  #insert(item: HTMLLIElement, id: string): void {
    this.#empty.hidden = true;
    this.#shown.set(id, item);
    const before = item.dataset["state"] === "sending" ? null : this.#firstUnconfirmed;
    this.#list.insertBefore(item, before);
    this.#regroup(item);
    this.#regroup(item.nextElementSibling);
    this.#trim();
  }

  #trim(): void {
    while (this.#list.childElementCount > MAX_ENTRIES) {
      const first = this.#list.firstElementChild as HTMLElement;
      this.#shown.delete(first.dataset["id"] ?? "");
      first.remove();
    }
  }

  #regroupAll(): void {
    for (const item of this.#list.children) this.#regroup(item);
  }

  /** Marks a line that shares the heading of the line before it. */
  #regroup(item: Element | null): void {
    if (!(item instanceof HTMLElement) || item.dataset["writer"] === undefined) return;
    const before = item.previousElementSibling;
    item.classList.toggle(
      "goes-on",
      before instanceof HTMLElement && before.dataset["writer"] === item.dataset["writer"] &&
        Number(item.dataset["at"]) - Number(before.dataset["at"]) < GROUP_WITHIN,
    );
  }
}

function lineItem(line: Line, isMine: boolean): HTMLLIElement {
  const name = make("bdi", "line-name", isMine ? "You" : line.name);
  const head = make("p", "line-head", name, " ", make("time", ""));
  const text = make("p", "line-text", line.text);
  text.dir = "auto";
  const item = make("li", isMine ? "line mine" : "line", monogram(line.name), head, text);
  item.dataset["id"] = line.id;
  item.dataset["writer"] = isMine ? "" : `${line.from} ${line.name}`;
  showTime(item, line.at);
  return item;
}

function showTime(item: HTMLElement, at: number): void {
  item.dataset["at"] = String(at);
  const time = item.querySelector("time")!;
  time.textContent = clock.format(at);
  time.dateTime = new Date(at).toISOString();
  time.title = calendar.format(at);
}
