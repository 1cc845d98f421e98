/// <reference lib="dom" />
import { pathOf, type Person, roomAt, type ServerMessage } from "../protocol.ts";
import { Arrivals } from "./arrivals.ts";
import { Composer } from "./composer.ts";
import { byId } from "./dom.ts";
import { Drawer } from "./drawer.ts";
import { LivePanel } from "./live_panel.ts";
import { Log, MISSED } from "./log.ts";
import { Nickname } from "./nickname.ts";
import { People } from "./people.ts";
import { RoomList } from "./rooms.ts";
import { ConnectionStatus } from "./connection_status.ts";
import { offerThemes } from "./theme.ts";
import { Transport } from "./transport.ts";
import { RoomConnection } from "./room_connection.ts";

const log = new Log();
const people = new People();
const arrivals = new Arrivals((news) => log.note(news));
const drawer = new Drawer();
const state = new ConnectionStatus(() => current?.connection.retry());
const live = new LivePanel((on) => current?.connection.send({ type: "watch", on }));
const nickname = new Nickname((name) => current?.connection.send({ type: "rename", name }));
const transport = new Transport(() => current?.connection.renew());
const rooms = new RoomList(goTo);
const composer = new Composer({
  onsay(text) {
    if (current) log.addUnconfirmed(current.outgoing.add(text));
  },
  ontyping() {
    current?.connection.send({ type: "typing" });
  },
});
let current: RoomConnection | undefined;

offerThemes();
addEventListener("popstate", () => enter(roomAt(location.pathname) ?? "lobby"));
enter(roomAt(location.pathname) ?? "lobby");
// On a touch screen, focus would open a keyboard over half of the page.
if (matchMedia("(hover: hover) and (pointer: fine)").matches) composer.focus();

function goTo(room: string): void {
  if (room !== current?.room) {
    history.pushState(null, "", pathOf(room));
    enter(room);
  }
  drawer.close();
  composer.focus();
}

function enter(room: string): void {
  current?.end();
  log.clear();
  arrivals.clear();
  people.reset("", [], false);
  document.title = `/${room} – onepeer chat`;
  byId("room-title", HTMLElement).textContent = room;
  composer.enter(room);
  rooms.show(room);
  current = new RoomConnection(room, () => nickname.current, transport, {
    onstate(now) {
      state.show(now);
      if (now.kind === "connected") log.beginCatchUp();
    },
    onmessage: handle,
  });
  for (const line of current.outgoing.lines) log.addUnconfirmed(line);
}

function handle(message: ServerMessage): void {
  switch (message.type) {
    case "welcome": {
      const before = people.names;
      people.reset(message.you, message.people, message.stale);
      arrivals.reconnected(before, people.names);
      log.endCatchUp(message.missed);
      rooms.show(current!.room, message.rooms);
      if (!live.isOpen) current!.connection.send({ type: "watch", on: false });
      return;
    }
    case "line":
      people.stopTyping(message.line.from);
      return log.add(message.line);
    case "kept":
      return log.kept(message.id);
    case "missed":
      return log.note(MISSED);
    case "people":
      return showPeople(message.joined, message.updated, message.left);
    case "typing":
      return people.startTyping(message.id);
    case "rooms":
      people.setStale(message.stale);
      return rooms.show(current!.room, message.rooms);
    case "live":
      return live.show(message.figures);
  }
}

/** A change may add people who are in the list already, and remove people who are not. */
function showPeople(
  joined: readonly Person[],
  updated: readonly Person[],
  left: readonly Person[],
): void {
  const before = people.names;
  for (const person of joined) {
    // A person who reconnects may be in the list twice, until the old connection counts as lost.
    if (!people.put(person) && !before.includes(person.name)) arrivals.joined(person.name);
  }
  for (const person of updated) {
    const name = people.put(person);
    if (name && !people.isYou(person)) log.note(`${name} is now ${person.name}`);
  }
  for (const person of left) {
    if (people.remove(person) && !people.names.includes(person.name)) arrivals.left(person.name);
  }
}
