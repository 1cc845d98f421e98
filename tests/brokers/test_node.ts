import type { AdapterOptions } from "../../endpoint/adapter.ts";
import type { Peer } from "../../peer.ts";
import type { OutgoingFrame, Payload } from "../../socket/socket.ts";
import { FakeAdapter } from "../unit/fake_adapter.ts";
import { FakeSocket } from "../unit/fake_socket.ts";

/** One node of a cluster. Its clients have no network, so that a test sees the broker's part alone. */
export class TestNode extends FakeAdapter implements AsyncDisposable {
  /** Failures that the node has reported, with their stage. */
  readonly failures: { readonly error: unknown; readonly stage: string }[];

  constructor(options: AdapterOptions) {
    const failures: TestNode["failures"] = [];
    super({ onError: (error, { stage }) => void failures.push({ error, stage }), ...options });
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
  changed: () => void = () => {};

  override send({ payload }: OutgoingFrame): number {
    this.messages.push(payload);
    this.changed();
    return 0;
  }
}

/** A connected client, and what it has received. */
export class TestClient {
  readonly peer: Peer;
  readonly #socket: RecordingSocket;

  constructor(peer: Peer, socket: RecordingSocket) {
    this.peer = peer;
    this.#socket = socket;
  }

  /** Messages received so far, in order. */
  get messages(): readonly Payload[] {
    return this.#socket.messages;
  }

  /** Resolves when a message has arrived for which `wanted` is true. */
  async until(wanted: (message: Payload) => boolean): Promise<void> {
    for (let i = 0;; i++) {
      while (i >= this.messages.length) {
        await new Promise<void>((resolve) => this.#socket.changed = resolve);
      }
      if (wanted(this.messages[i]!)) return;
    }
  }
}

/** Resolves when a condition holds, which is looked at every few milliseconds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
