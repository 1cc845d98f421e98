import { CallbackSocket, type Wire } from "../../socket/callback_socket.ts";
import type { OutgoingFrame } from "../../socket/socket.ts";
import { Subscriber, type TopicSocket, TopicSpace } from "./topic_space.ts";

/** Returns the topic space of a server or route. */
export type FindTopicSpace = (key: object) => TopicSpace;

const withoutTopics = new TopicSpace(undefined);
/** Returns a topic space without native topics: the core sends each message of a publish. */
export const spaceWithoutTopics: FindTopicSpace = () => withoutTopics;

/** Marks the data of each copy of this module: `bun --hot` loads the module again. */
const MARK: symbol = Symbol.for("onepeer.socket-data");

/** Object in the user-data slot of a native socket of uWebSockets.js or Bun. */
export class SocketData<Native extends TopicSocket> {
  readonly mark: symbol = MARK;
  #use: ((socket: CallbackSocket<Native>) => void) | undefined;
  readonly #protocol: string;
  readonly #extensions: string;
  readonly #findSpace: FindTopicSpace;
  #spaceKey: object | undefined;
  #space: TopicSpace | undefined;
  #socket: CallbackSocket<Native> | undefined;
  #subscriber: Subscriber | undefined;
  /** Number of frames received from the client. */
  received = 0;

  /** @param use called once with our socket, before the socket opens. */
  constructor(
    use: (socket: CallbackSocket<Native>) => void,
    protocol: string,
    extensions: string,
    findSpace: FindTopicSpace,
    spaceKey: object,
  ) {
    this.#use = use;
    this.#protocol = protocol;
    this.#extensions = extensions;
    this.#findSpace = findSpace;
    this.#spaceKey = spaceKey;
  }

  /** Our socket. Only after {@linkcode open}. */
  get socket(): CallbackSocket<Native> {
    return this.#socket!;
  }

  /** Topic space of the socket; found when first needed. */
  get space(): TopicSpace {
    if (!this.#space) {
      this.#space = this.#findSpace(this.#spaceKey!);
      this.#spaceKey = undefined;
    }
    return this.#space;
  }

  /** Membership in the topic space, after {@linkcode join}. */
  get subscriber(): Subscriber | undefined {
    return this.#subscriber;
  }

  /** Joins the topic space, once. */
  join(native: Native): Subscriber {
    return this.#subscriber ??= new Subscriber(native, this.space, () => this.socket.drained());
  }

  /** Makes our socket of the native one, and opens it. */
  open(wire: Wire<Native>, native: Native): void {
    this.#socket = new CallbackSocket(wire, native, this.#protocol, this.#extensions);
    this.#use!(this.#socket);
    this.#use = undefined;
    this.#socket.opened();
  }
}

/** Whether a value is the data of any copy of this module. */
export function isSocketData(value: unknown): value is SocketData<TopicSocket> {
  return (value as SocketData<TopicSocket> | undefined)?.mark === MARK;
}

/**
 * Makes the native topics of a {@linkcode Wire}.
 *
 * @param dataOf returns the data of a native socket.
 * @param publish the runtime's own `publish`, which skips the sending socket.
 */
export function topicsOf<Native extends TopicSocket>(
  dataOf: (native: Native) => SocketData<Native> | undefined,
  publish: (native: Native, topic: string, frame: OutgoingFrame, compress: boolean) => void,
): NonNullable<Wire<Native>["topics"]> {
  return {
    domain: (native) => dataOf(native)?.space.domain,
    subscribe: (native, name) => dataOf(native)?.join(native).subscribe(name),
    unflushed: (native) => dataOf(native)?.subscriber?.unflushed ?? 0,
    flushed: (native) => dataOf(native)?.subscriber?.flushed(),
    awaitFlush: (native) => dataOf(native)?.subscriber?.await(),
    unsubscribe: (native, name) => dataOf(native)?.subscriber?.unsubscribe(name),
    broadcast(native, name, frame, compress) {
      const subscriber = dataOf(native)!.join(native);
      const topic = subscriber.topic(name);
      publish(native, topic, frame, compress);
      subscriber.sent(topic, frame.byteLength);
    },
  };
}
