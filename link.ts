import type { Admission } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { CallbackSocket, type Wire } from "./shims/callback_socket.ts";
import type { OutgoingFrame } from "./socket.ts";
import { Subscriber, type TopicSocket, type TopicSpace } from "./shims/topic_space.ts";

/** The topic space that goes with a server, a route, or whatever stands for one. */
export type FindSpace = (key: object) => TopicSpace;

/**
 * What a native socket carries in its user-data slot, on runtimes that have one: first the
 * admission, then our socket.
 */
export class Link<Native extends TopicSocket> {
  #admission: Admission | undefined;
  readonly #protocol: string;
  readonly #extensions: string;
  readonly #findSpace: FindSpace;
  #spaceKey: object | undefined;
  #space: TopicSpace | undefined;
  #socket: CallbackSocket<Native> | undefined;
  #subscriber: Subscriber | undefined;
  /** How often something was heard from the client. */
  heard = 0;

  constructor(
    admission: Admission,
    protocol: string,
    extensions: string,
    findSpace: FindSpace,
    spaceKey: object,
  ) {
    this.#admission = admission;
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

  /** The native socket is there: makes a peer of it. */
  open(endpoint: Endpoint, wire: Wire<Native>, native: Native): void {
    this.#socket = new CallbackSocket(wire, native, this.#protocol, this.#extensions);
    endpoint.attach(this.#socket, this.#admission!);
    this.#admission = undefined;
    this.#socket.opened();
  }
}

/**
 * The functions of a {@linkcode Wire} that have to do with native topics.
 *
 * @param linkOf what the native socket carries.
 * @param publish the runtime's own `publish`, which leaves the speaker out.
 */
export function topicsOf<Native extends TopicSocket>(
  linkOf: (native: Native) => Link<Native> | undefined,
  publish: (native: Native, topic: string, frame: OutgoingFrame, compress: boolean) => void,
): NonNullable<Wire<Native>["topics"]> {
  return {
    group: (native) => linkOf(native)?.space.group,
    tuneIn: (native, name) => linkOf(native)?.join(native).tuneIn(name),
    held: (native) => linkOf(native)?.subscriber?.held ?? 0,
    flushed: (native) => linkOf(native)?.subscriber?.flushed(),
    awaitHeld: (native) => linkOf(native)?.subscriber?.await(),
    tuneOut: (native, name) => linkOf(native)?.subscriber?.tuneOut(name),
    broadcast(native, name, frame, compress) {
      const subscriber = linkOf(native)!.join(native);
      const topic = subscriber.topic(name);
      publish(native, topic, frame, compress);
      subscriber.spoke(topic, frame.byteLength);
    },
  };
}
