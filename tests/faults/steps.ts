import assert from "node:assert/strict";
import {
  BINARY,
  CLOSE,
  closePayload,
  frame,
  type RawClient,
  TEXT,
} from "../harness/clients/raw_client.ts";
import type { TestBed } from "../harness/clients/test_bed.ts";
import type { Client } from "../harness/clients/websocket_client.ts";
import type { Site, SiteOptions } from "../fixtures/case.ts";

const PIECE = 64 * 1024;
/** How long an answer may take while other cases keep all processors busy. */
const MAX_WAIT = 5000;

/** Somebody else, who must not notice anything. */
export class Bystander {
  readonly #client: Client;
  #said = 0;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async join(t: TestBed): Promise<Bystander> {
    return new Bystander(await t.connect("/bystander"));
  }

  /** Publishes to those who subscribe. */
  async publish(pieces: number): Promise<void> {
    this.#client.send(`publish ${pieces}`);
    assert.equal(await this.#client.next(MAX_WAIT), "published");
  }

  /** Gets an answer, and nothing else. */
  async isUntouched(): Promise<void> {
    const text = `still here ${this.#said++}`;
    this.#client.send(text);
    assert.equal(await this.#client.next(MAX_WAIT), text);
  }
}

/** The server half: what a client does at which path keeps hooks waiting for the client half. */
export function watched(s: Site, limits: SiteOptions["limits"]): SiteOptions {
  const isFor = (request: Request, name: string) => new URL(request.url).pathname.endsWith(name);
  const isVictim = (request: Request) => !isFor(request, "/bystander");
  return {
    limits: { closeTimeout: 400, ...limits },
    getNamespace: () => "one for all",
    hooks: {
      async upgrade(request) {
        if (!isFor(request, "/upgrade")) return;
        s.log("upgrade");
        await s.wait("upgrade");
        s.log("upgraded");
      },
      async open(peer) {
        if (isFor(peer.request, "/subscriber")) peer.subscribe("all");
        if (isVictim(peer.request)) s.log("open");
        if (isFor(peer.request, "/open")) await s.wait("open");
      },
      async message(peer, message) {
        const [verb, count] = message.text().split(" ", 2);
        if (verb === "publish") {
          for (let i = 0; i < Number(count); i++) peer.publish("all", new Uint8Array(PIECE));
          peer.send("published");
        } else if (verb === "wait") {
          s.log("message");
          await s.wait("message");
        } else if (verb === "close") peer.close(4000, "enough");
        else if (verb !== "flood") peer.send(message);
      },
      close(peer, { code, wasClean }) {
        if (isVictim(peer.request)) s.log("close", code, wasClean);
      },
    },
  };
}

/** How far a client gets before it vanishes. */
export interface Step {
  readonly name: string;
  readonly when: string;
  /** Whether there is a peer by then, to end with a `close` hook; unknown where that is a race. */
  readonly hasPeer: boolean | undefined;
  /** How many clients do it at once, where one alone need not hit the moment. */
  readonly lines?: number;
  /** Code of the `close` hook where the line drops after it; 1006 if left out. */
  readonly code?: number;
  /** Whether something of ours is still to be taken. */
  readonly isOwed?: boolean;
  reach(t: TestBed, line: RawClient, other: Bystander): Promise<void>;
  /** Returns once the server has all that was sent, where what comes next depends on it. */
  arrive?(line: RawClient): Promise<void>;
  /** Lets the hooks that waited go on. */
  after?(t: TestBed): Promise<void>;
}

async function upgrade(t: TestBed, line: RawClient, below = ""): Promise<void> {
  line.handshake({ target: t.path(below) });
  assert.equal((await line.head()).status, 101);
}

async function join(t: TestBed, line: RawClient, below = ""): Promise<void> {
  await upgrade(t, line, below);
  await t.logged("open");
}

/** The server's close frame; a ping may come before it. */
async function closeFrame(line: RawClient): Promise<void> {
  while ((await line.frame()).opcode !== CLOSE);
}

export const steps: readonly Step[] = [
  {
    name: "before-handshake",
    when: "before it says anything",
    hasPeer: false,
    async reach() {},
  },
  {
    name: "within-handshake",
    when: "within its handshake",
    hasPeer: false,
    async reach(t, line) {
      line.write(`GET ${t.path()} HTTP/1.1\r\nHost: localhost\r\nUpgrade: webso`);
      await t.log(20);
    },
  },
  {
    name: "async-upgrade",
    when: "while upgrade is pending",
    hasPeer: false,
    async reach(t, line) {
      line.handshake({ target: t.path("/upgrade") });
      await t.logged("upgrade");
    },
    async after(t) {
      await t.release("upgrade");
      await t.logged("upgraded");
    },
  },
  {
    name: "behind-handshake",
    when: "right behind its handshake",
    hasPeer: undefined,
    lines: 10,
    reach(t, line) {
      line.handshake({ target: t.path() });
      return Promise.resolve();
    },
  },
  {
    name: "behind-101",
    when: "right behind the 101",
    hasPeer: undefined,
    reach: (t, line) => upgrade(t, line),
  },
  {
    name: "open-pending",
    when: "while open is pending",
    hasPeer: true,
    reach: (t, line) => join(t, line, "/open"),
    after: (t) => t.release("open"),
  },
  {
    name: "message-pending",
    when: "while a message hook is pending",
    hasPeer: true,
    async reach(t, line) {
      await join(t, line);
      line.write(frame(TEXT, "wait"));
      await t.logged("message");
    },
    after: (t) => t.release("message"),
  },
  {
    name: "amid-message",
    when: "amid a fragmented message, and half a frame",
    hasPeer: true,
    async reach(t, line) {
      await join(t, line);
      line.write(frame(BINARY, new Uint8Array(1000), { fin: false }));
      line.write(frame(0, new Uint8Array(1000)).subarray(0, 500));
      await t.log(20);
    },
  },
  {
    name: "amid-publish",
    when: "amid publishes to it, with bytes queued",
    hasPeer: true,
    isOwed: true,
    async reach(t, line, other) {
      await join(t, line, "/subscriber");
      line.pause();
      await other.publish(8 * 1024 * 1024 / PIECE);
    },
  },
  {
    name: "our-close-sent",
    when: "after our close frame",
    hasPeer: true,
    isOwed: true,
    code: 4000,
    async reach(t, line) {
      await join(t, line);
      line.write(frame(TEXT, "close"));
      await closeFrame(line);
    },
  },
  {
    name: "its-close-sent",
    when: "right behind its own close frame",
    hasPeer: true,
    isOwed: true,
    code: 1000,
    async reach(t, line) {
      await join(t, line);
      line.write(frame(CLOSE, closePayload(1000)));
    },
    arrive: closeFrame,
  },
];
