import { Deferred } from "../../common/deferred.ts";
import type { AdapterOptions } from "../../endpoint/adapter.ts";
import type { Peer } from "../../peer.ts";
import { OPEN, type OutgoingFrame, type Payload } from "../../socket/socket.ts";
import { FakeAdapter } from "../unit/fake_adapter.ts";
import { FakeSocket } from "../unit/fake_socket.ts";

/** One node of a cluster. Its clients have no network, so that a test sees the broker's part alone. */
export class TestNode extends FakeAdapter implements AsyncDisposable {
  /** Failures that the node has reported, with their stage and their time in milliseconds. */
  readonly failures: {
    readonly error: unknown;
    readonly stage: string;
    readonly time: number;
  }[];

  constructor(options: AdapterOptions) {
    const failures: TestNode["failures"] = [];
    super({
      onError: (error, { stage }) => void failures.push({ error, stage, time: performance.now() }),
      ...options,
    });
    this.failures = failures;
  }

  /** Connects a client in a namespace, such as `/room`, and subscribes it. */
  async client(namespace: string, ...topics: readonly string[]): Promise<TestClient> {
    const socket = new RecordingSocket();
    const [, peer] = await this.connect(namespace, socket);
    for (const topic of topics) peer.subscribe(topic);
    return new TestClient(peer, socket);
  }
}

/** Socket that takes every message at once. */
class RecordingSocket extends FakeSocket {
  readonly messages: Payload[] = [];
  received: (message: Payload) => void = () => {};

  override send({ payload }: OutgoingFrame): number {
    this.messages.push(payload);
    this.received(payload);
    return 0;
  }
}

/** A connected client, and what it has received. */
export class TestClient {
  readonly peer: Peer;
  readonly #socket: RecordingSocket;
  #changed = new Deferred();

  constructor(peer: Peer, socket: RecordingSocket) {
    this.peer = peer;
    this.#socket = socket;
    socket.received = (message) => {
      this.onMessage(message);
      this.#changed.resolve();
      this.#changed = new Deferred();
    };
  }

  /** Calls back with each message. */
  onMessage: (message: Payload) => void = () => {};

  /** Whether the server has neither closed nor ended the connection. */
  get isConnected(): boolean {
    return this.#socket.readyState === OPEN;
  }

  /** Sends a message to the server. */
  send(text: string): void {
    this.#socket.listener?.onmessage(text, text.length);
  }

  /** Closes the connection as a client does. */
  leave(): void {
    this.#socket.closed({ code: 1000, reason: "", wasClean: true });
  }

  /** Messages received so far, in order. */
  get messages(): readonly Payload[] {
    return this.#socket.messages;
  }

  /** Resolves when a message has arrived for which `wanted` is true. */
  async until(wanted: (message: Payload) => boolean): Promise<void> {
    for (let i = 0;; i++) {
      while (i >= this.messages.length) await this.#changed.promise;
      if (wanted(this.messages[i]!)) return;
    }
  }
}

/** Resolves when a condition holds, which is looked at every few milliseconds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Returns whether a message is this text. */
export function is(text: string): (message: unknown) => boolean {
  return (message) => message === text;
}

/** Returns the messages of a client as text. */
export function texts({ messages }: TestClient): string[] {
  return messages.map(String);
}

/** Resolves after a time. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
