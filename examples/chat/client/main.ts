/// <reference lib="dom" />
import { pathOf, roomAt, type ServerMessage } from "../protocol.ts";
import { Arrivals } from "./arrivals.ts";
import { Composer } from "./composer.ts";
import { byId } from "./dom.ts";
import { Drawer } from "./drawer.ts";
import { LivePanel } from "./live_panel.ts";
import { Log } from "./log.ts";
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
  people.reset("", []);
  document.title = `/${room} – onepeer chat`;
  byId("room-title", HTMLElement).textContent = room;
  composer.enter(room);
  rooms.show(room);
  let isReconnect = false;
  current = new RoomConnection(room, () => nickname.current, transport, {
    onstate: (now) => state.show(now),
    onmessage(message) {
      handle(message, isReconnect);
      isReconnect = true;
    },
  });
  for (const line of current.outgoing.lines) log.addUnconfirmed(line);
}

function handle(message: ServerMessage, isReconnect: boolean): void {
  switch (message.type) {
    case "welcome": {
      const before = people.names;
      people.reset(message.you, message.people);
      if (isReconnect) arrivals.reconnected(before, people.names);
      log.fill(message.lines);
      rooms.show(current!.room, message.rooms);
      if (!live.isOpen) current!.connection.send({ type: "watch", on: false });
      return;
    }
    case "line":
      people.stopTyping(message.line.from);
      return log.add(message.line);
    case "joined":
      people.put(message.person);
      return arrivals.joined(message.person.name);
    case "left":
      people.remove(message.person);
      return arrivals.left(message.person.name);
    case "renamed": {
      const before = people.put(message.person);
      if (before && !people.isYou(message.person)) {
        log.note(`${before} is now ${message.person.name}`);
      }
      return;
    }
    case "typing":
      return people.startTyping(message.id);
    case "rooms":
      return rooms.show(current!.room, message.rooms);
    case "live":
      return live.show(message.figures);
  }
}
