import { CallbackSocket, type Wire } from "../../socket/callback_socket.ts";
import type { OutgoingFrame } from "../../socket/socket.ts";
import { Subscriber, type TopicSocket, type TopicSpace } from "./topic_space.ts";

/** The topic space that goes with a server, a route, or whatever stands for one. */
export type FindSpace = (key: object) => TopicSpace;

/** What a native socket carries in its user-data slot, on runtimes that have one. */
export class SocketData<Native extends TopicSocket> {
  #use: ((socket: CallbackSocket<Native>) => void) | undefined;
  readonly #protocol: string;
  readonly #extensions: string;
  readonly #findSpace: FindSpace;
  #spaceKey: object | undefined;
  #space: TopicSpace | undefined;
  #socket: CallbackSocket<Native> | undefined;
  #subscriber: Subscriber | undefined;
  /** How often something was heard from the client. */
  heard = 0;

  /** @param use gets our socket before it opens, once. */
  constructor(
    use: (socket: CallbackSocket<Native>) => void,
    protocol: string,
    extensions: string,
    findSpace: FindSpace,
    spaceKey: object,
  ) {
    this.#use = use;
    this.#protocol = protocol;
    this.#extensions = extensions;
    this.#findSpace = findSpace;
    this.#spaceKey = spaceKey;
  }

  /** Our socket. Not before {@linkcode open}. */
  get socket(): CallbackSocket<Native> {
    return this.#socket!;
  }

  /** Where its native topics are; found when first needed. */
  get space(): TopicSpace {
    if (!this.#space) {
      this.#space = this.#findSpace(this.#spaceKey!);
      this.#spaceKey = undefined;
    }
    return this.#space;
  }

  /** Its part in native topics, once it has one. */
  get subscriber(): Subscriber | undefined {
    return this.#subscriber;
  }

  /** Gives it a part in native topics. */
  join(native: Native): Subscriber {
    return this.#subscriber ??= new Subscriber(native, this.space, () => this.socket.drained());
  }

  /** The native socket is there: makes ours of it, and opens it. */
  open(wire: Wire<Native>, native: Native): void {
    this.#socket = new CallbackSocket(wire, native, this.#protocol, this.#extensions);
    this.#use!(this.#socket);
    this.#use = undefined;
    this.#socket.opened();
  }
}

/**
 * The functions of a {@linkcode Wire} that have to do with native topics.
 *
 * @param dataOf what the native socket carries.
 * @param publish the runtime's own `publish`, which leaves the speaker out.
 */
export function topicsOf<Native extends TopicSocket>(
  dataOf: (native: Native) => SocketData<Native> | undefined,
  publish: (native: Native, topic: string, frame: OutgoingFrame, compress: boolean) => void,
): NonNullable<Wire<Native>["topics"]> {
  return {
    domain: (native) => dataOf(native)?.space.group,
    subscribe: (native, name) => dataOf(native)?.join(native).subscribe(name),
    unflushed: (native) => dataOf(native)?.subscriber?.unflushed ?? 0,
    flushed: (native) => dataOf(native)?.subscriber?.flushed(),
    awaitFlush: (native) => dataOf(native)?.subscriber?.await(),
    unsubscribe: (native, name) => dataOf(native)?.subscriber?.unsubscribe(name),
    broadcast(native, name, frame, compress) {
      const subscriber = dataOf(native)!.join(native);
      const topic = subscriber.topic(name);
      publish(native, topic, frame, compress);
      subscriber.spoke(topic, frame.byteLength);
    },
  };
}
