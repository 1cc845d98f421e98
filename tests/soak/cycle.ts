import { sleep } from "../harness/clients/case_client.ts";
import { Chatting, Room } from "./chatting.ts";
import { Echoing } from "./echoing.ts";
import type { Farewell, Member, Run } from "./member.ts";
import { BEAT_MS, PLAN, SETTLE_MS } from "./plan.ts";
import { Reading } from "./reading.ts";

/** Commands of a cycle to the server half. */
export interface ServerHalf {
  /** Starts the server's own publishing. */
  start(): Promise<void>;
  /** Stops publishing. Returns the number of the last message. */
  stop(): Promise<number>;
}

/** One cycle of load, from the first client that joins to the last that leaves. */
export class Cycle {
  /** Number of connections made. */
  connects = 0;
  readonly #run: Run;
  readonly #rooms: Room[];
  readonly #echoing: Echoing[];
  readonly #chatting: Chatting[];
  readonly #reading: Reading[];
  #isOver = false;

  constructor(run: Run) {
    this.#run = run;
    const { echoing, bulky, chatting, reading } = PLAN;
    this.#rooms = times(chatting.rooms, (number) => new Room(number));
    this.#echoing = [
      ...times(echoing.clients, (n) => this.#echoingClient(`e${n}`, n)),
      ...times(bulky.clients, (n) =>
        new Echoing(run, `bulky${n}`, {
          length: () => Math.floor(Math.random() * bulky.maxLength),
          isBinary: n % 2 === 0,
          deflate: n % 4 > 1,
        })),
    ];
    this.#chatting = this.#rooms.flatMap((room) =>
      times(chatting.membersPerRoom, (n) =>
        new Chatting(run, `m${n}`, room, {
          deflate: n % 2 === 0,
          isSteady: true,
          isReliable: true,
        }))
    );
    this.#reading = times(reading.clients, (n) => new Reading(run, `reader${n}`));
  }

  /** Runs the load for `ms`, waits until all messages have arrived, and ends the clients. */
  async pass(ms: number, server: ServerHalf): Promise<void> {
    const members: Member[] = [...this.#echoing, ...this.#chatting, ...this.#reading];
    await Promise.all(members.map((member) => this.#join(member)));
    await server.start();
    const visits = times(PLAN.visiting.clients, (n) => this.#visits(n));
    await this.#speak(performance.now() + ms);
    this.#isOver = true;
    await Promise.all(visits);
    await Promise.all(visits);
    await this.#settle(await server.stop());
    await Promise.all(members.map((member) => member.leave()));
  }

  /** Makes all clients send in turn, at the plan's rates. */
  async #speak(end: number): Promise<void> {
    const { echoing, bulky, chatting } = PLAN;
    const small = this.#echoing.slice(0, echoing.clients);
    const large = this.#echoing.slice(echoing.clients);
    let last = performance.now();
    for (let now = last; now < end; now = performance.now()) {
      const seconds = (now - last) / 1000;
      last = now;
      const due = (perSecond: number) => Math.random() < perSecond * seconds;
      for (const client of small) if (due(echoing.perSecond)) client.speak();
      for (const client of large) if (due(bulky.perSecond)) client.speak();
      for (const client of this.#chatting) {
        if (due(chatting.perSecond)) client.speak();
        if (due(chatting.changesPerSecond)) client.change();
      }
      await sleep(BEAT_MS);
    }
  }

  /** Connects and leaves again and again until the cycle is over. */
  async #visits(n: number): Promise<void> {
    const { minMs, maxMs, perSecond } = PLAN.visiting;
    for (let visit = 0; !this.#isOver; visit++) {
      const how = FAREWELLS[visit % FAREWELLS.length]!;
      const visitor = this.#visitor(`v${n}.${visit}`, n + visit, how);
      await this.#join(visitor);
      const end = performance.now() + minMs + Math.random() * (maxMs - minMs);
      while (performance.now() < end && !this.#isOver) {
        visitor.speak();
        await sleep(1000 / perSecond);
      }
      await visitor.leave(how);
    }
  }

  #visitor(name: string, n: number, how: Farewell): Echoing | Chatting {
    if (n % 2 === 0) return this.#echoingClient(name, n);
    const room = this.#rooms[n % this.#rooms.length]!;
    const isReliable = how === "close";
    return new Chatting(this.#run, name, room, {
      deflate: n % 3 === 0,
      isSteady: false,
      isReliable,
    });
  }

  #echoingClient(name: string, n: number): Echoing {
    return new Echoing(this.#run, name, {
      length: (seq) => Math.floor((seq * 7919 % 1000 / 1000) ** 4 * PLAN.echoing.maxLength),
      isBinary: n % 2 === 0,
      deflate: n % 4 > 1,
      isLate: n % 5 === 0,
    });
  }

  async #join(member: Member): Promise<void> {
    this.connects++;
    await member.join();
  }

  /** Waits for messages that have not arrived. */
  async #settle(ticks: number): Promise<void> {
    const missing = () => [
      ...this.#chatting.flatMap((client) => client.missing(ticks)),
      ...this.#echoing.flatMap(({ name, outstanding }) =>
        times(outstanding, () => `${name} waits for an echo`)
      ),
    ];
    const deadline = performance.now() + SETTLE_MS;
    while (missing().length > 0 && performance.now() < deadline) await sleep(20);
    for (const words of missing()) this.#run.ledger.wrong("lost", words);
  }
}

const FAREWELLS: readonly Farewell[] = ["close", "terminate", "close", "rst", "close", "fin"];

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
