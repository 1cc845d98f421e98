import assert from "node:assert/strict";
import {
  BINARY,
  CLOSE,
  closePayload,
  frame,
  type RawClient,
  TEXT,
} from "../harness/clients/raw_client.ts";
import type { CaseClient } from "../harness/clients/case_client.ts";
import type { TestSocket } from "../harness/clients/test_socket.ts";
import type { CaseServer, CaseServerOptions } from "../fixtures/case.ts";

const PIECE = 64 * 1024;
/** How long an answer may take while other cases keep all processors busy. */
const MAX_WAIT = 5000;

/** Somebody else, who must not notice anything. */
export class Bystander {
  readonly #socket: TestSocket;
  #said = 0;

  private constructor(socket: TestSocket) {
    this.#socket = socket;
  }

  static async join(client: CaseClient): Promise<Bystander> {
    return new Bystander(await client.connect("/bystander"));
  }

  /** Publishes to those who subscribe. */
  async publish(pieces: number): Promise<void> {
    this.#socket.send(`publish ${pieces}`);
    assert.equal(await this.#socket.next(MAX_WAIT), "published");
  }

  /** Gets an answer, and nothing else. */
  async isUntouched(): Promise<void> {
    const text = `still here ${this.#said++}`;
    this.#socket.send(text);
    assert.equal(await this.#socket.next(MAX_WAIT), text);
  }
}

/** The server half: what a client does at which path keeps hooks waiting for the client half. */
export function watched(
  server: CaseServer,
  limits: CaseServerOptions["limits"],
): CaseServerOptions {
  const isFor = (request: Request, name: string) => new URL(request.url).pathname.endsWith(name);
  const isVictim = (request: Request) => !isFor(request, "/bystander");
  return {
    limits: { closeTimeout: 400, ...limits },
    getNamespace: () => "one for all",
    hooks: {
      async upgrade(request) {
        if (!isFor(request, "/upgrade")) return;
        server.log("upgrade");
        await server.wait("upgrade");
        server.log("upgraded");
      },
      async open(peer) {
        if (isFor(peer.request, "/subscriber")) peer.subscribe("all");
        if (isVictim(peer.request)) server.log("open");
        if (isFor(peer.request, "/open")) await server.wait("open");
      },
      async message(peer, message) {
        const [verb, count] = message.text().split(" ", 2);
        if (verb === "publish") {
          for (let i = 0; i < Number(count); i++) peer.publish("all", new Uint8Array(PIECE));
          peer.send("published");
        } else if (verb === "wait") {
          server.log("message");
          await server.wait("message");
        } else if (verb === "close") peer.close(4000, "enough");
        else if (verb !== "flood") peer.send(message);
      },
      close(peer, { code, wasClean }) {
        if (isVictim(peer.request)) server.log("close", code, wasClean);
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
  reach(client: CaseClient, raw: RawClient, other: Bystander): Promise<void>;
  /** Returns once the server has all that was sent, where what comes next depends on it. */
  arrive?(raw: RawClient): Promise<void>;
  /** Lets the hooks that waited go on. */
  after?(client: CaseClient): Promise<void>;
}

async function upgrade(client: CaseClient, raw: RawClient, below = ""): Promise<void> {
  raw.handshake({ target: client.path(below) });
  assert.equal((await raw.head()).status, 101);
}

async function join(client: CaseClient, raw: RawClient, below = ""): Promise<void> {
  await upgrade(client, raw, below);
  await client.logged("open");
}

/** The server's close frame; a ping may come before it. */
async function closeFrame(raw: RawClient): Promise<void> {
  while ((await raw.frame()).opcode !== CLOSE);
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
    async reach(client, raw) {
      raw.write(`GET ${client.path()} HTTP/1.1\r\nHost: localhost\r\nUpgrade: webso`);
      await client.log(20);
    },
  },
  {
    name: "async-upgrade",
    when: "while upgrade is pending",
    hasPeer: false,
    async reach(client, raw) {
      raw.handshake({ target: client.path("/upgrade") });
      await client.logged("upgrade");
    },
    async after(client) {
      await client.release("upgrade");
      await client.logged("upgraded");
    },
  },
  {
    name: "behind-handshake",
    when: "right behind its handshake",
    hasPeer: undefined,
    lines: 10,
    reach(client, raw) {
      raw.handshake({ target: client.path() });
      return Promise.resolve();
    },
  },
  {
    name: "behind-101",
    when: "right behind the 101",
    hasPeer: undefined,
    reach: (client, raw) => upgrade(client, raw),
  },
  {
    name: "open-pending",
    when: "while open is pending",
    hasPeer: true,
    reach: (client, raw) => join(client, raw, "/open"),
    after: (client) => client.release("open"),
  },
  {
    name: "message-pending",
    when: "while a message hook is pending",
    hasPeer: true,
    async reach(client, raw) {
      await join(client, raw);
      raw.write(frame(TEXT, "wait"));
      await client.logged("message");
    },
    after: (client) => client.release("message"),
  },
  {
    name: "amid-message",
    when: "amid a fragmented message, and half a frame",
    hasPeer: true,
    async reach(client, raw) {
      await join(client, raw);
      raw.write(frame(BINARY, new Uint8Array(1000), { fin: false }));
      raw.write(frame(0, new Uint8Array(1000)).subarray(0, 500));
      await client.log(20);
    },
  },
  {
    name: "amid-publish",
    when: "amid publishes to it, with bytes queued",
    hasPeer: true,
    isOwed: true,
    async reach(client, raw, other) {
      await join(client, raw, "/subscriber");
      raw.pause();
      await other.publish(8 * 1024 * 1024 / PIECE);
    },
  },
  {
    name: "our-close-sent",
    when: "after our close frame",
    hasPeer: true,
    isOwed: true,
    code: 4000,
    async reach(client, raw) {
      await join(client, raw);
      raw.write(frame(TEXT, "close"));
      await closeFrame(raw);
    },
  },
  {
    name: "its-close-sent",
    when: "right behind its own close frame",
    hasPeer: true,
    isOwed: true,
    code: 1000,
    async reach(client, raw) {
      await join(client, raw);
      raw.write(frame(CLOSE, closePayload(1000)));
    },
    arrive: closeFrame,
  },
];
