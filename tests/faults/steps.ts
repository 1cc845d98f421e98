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

/** Bytes of a published message. */
export const PIECE: number = 64 * 1024;
/** Longest wait for an answer in milliseconds, while other cases keep all processors busy. */
const MAX_WAIT = 5000;

/** Another client, which must not notice the fault. */
export class Bystander {
  readonly #socket: TestSocket;
  #said = 0;

  private constructor(socket: TestSocket) {
    this.#socket = socket;
  }

  static async join(client: CaseClient): Promise<Bystander> {
    return new Bystander(await client.connect("/bystander"));
  }

  /** Publishes to all subscribers. */
  async publish(pieces: number): Promise<void> {
    this.#socket.send(`publish ${pieces}`);
    assert.equal(await this.#socket.next(MAX_WAIT), "published");
  }

  /** Checks that the client gets an answer, and no other message. */
  async isUntouched(): Promise<void> {
    const text = `still here ${this.#said++}`;
    this.#socket.send(text);
    assert.equal(await this.#socket.next(MAX_WAIT), text);
  }
}

/** Server half. A client's path selects the hook that waits until the client half releases it. */
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

/** Step that a client reaches before it vanishes. */
export interface Step {
  readonly name: string;
  readonly when: string;
  /** Whether a peer exists by then, and gets a `close` hook. `undefined`: either is possible. */
  readonly hasPeer: boolean | undefined;
  /** Number of simultaneous clients, if one alone may miss the moment. Default: 1. */
  readonly lines?: number;
  /** Code of the `close` hook if the connection drops after the step. Default: 1006. */
  readonly code?: number;
  /** Whether bytes of the server are still on their way. */
  readonly isOwed?: boolean;
  reach(client: CaseClient, raw: RawClient, other: Bystander): Promise<void>;
  /** Waits until the server has read all bytes, if the result depends on them. */
  arrive?(raw: RawClient): Promise<void>;
  /** Releases the waiting hooks. */
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

/** Waits for the server's close frame, and skips pings before it. */
async function closeFrame(raw: RawClient): Promise<void> {
  while ((await raw.frame()).opcode !== CLOSE);
}

export const steps: readonly Step[] = [
  {
    name: "before-handshake",
    when: "before its first byte",
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
    when: "while its upgrade hook is pending",
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
    when: "right after its handshake",
    hasPeer: undefined,
    lines: 10,
    reach(client, raw) {
      raw.handshake({ target: client.path() });
      return Promise.resolve();
    },
  },
  {
    name: "behind-101",
    when: "right after the 101",
    hasPeer: undefined,
    reach: (client, raw) => upgrade(client, raw),
  },
  {
    name: "open-pending",
    when: "while its open hook is pending",
    hasPeer: true,
    reach: (client, raw) => join(client, raw, "/open"),
    after: (client) => client.release("open"),
  },
  {
    name: "message-pending",
    when: "while its message hook is pending",
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
    when: "within a frame of a fragmented message",
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
    when: "during publishes, with bytes queued",
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
    when: "after the server's close frame",
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
    when: "right after its own close frame",
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
