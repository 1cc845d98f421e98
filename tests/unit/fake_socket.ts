import {
  type BroadcastDomain,
  CLOSED,
  type CloseInfo,
  CLOSING,
  OPEN,
  type OutgoingFrame,
  type ServerSocket,
  type SocketFlow,
  type SocketHeartbeat,
  type SocketListener,
  type SocketTopics,
} from "../../socket/socket.ts";

/** Optional groups of a {@linkcode FakeSocket}. A group that is left out is absent. */
export interface FakeSocketGroups {
  readonly topics?: boolean;
  readonly flow?: boolean;
  readonly heartbeat?: boolean;
}

/** Native topics of a {@linkcode FakeSocket}. A test sets the amounts. */
export interface FakeTopics extends SocketTopics {
  domain: BroadcastDomain | undefined;
  wasSubscribed: boolean;
  unflushedAmount: number;
  /** Names that the socket is subscribed to. */
  readonly names: Set<string>;
}

/**
 * Socket without a network, which records what the core calls. Sent bytes stay queued until a test
 * lowers `bufferedAmount`. The socket is open from the start; a test calls {@linkcode opened} if the
 * listener is to know.
 */
export class FakeSocket implements ServerSocket {
  listener: SocketListener | null = null;
  readyState: number = OPEN;
  bufferedAmount = 0;
  readonly protocol = "";
  readonly extensions = "";
  readonly raw: object = {};
  /** Calls that reach the network, in order: the name, then the arguments. */
  readonly calls: unknown[][] = [];
  /** Value of `heartbeat.activity()`. */
  activity = 0;
  readonly topics: FakeTopics | undefined;
  readonly flow: SocketFlow | undefined;
  readonly heartbeat: SocketHeartbeat | undefined;

  constructor({ topics = false, flow = false, heartbeat = false }: FakeSocketGroups = {}) {
    if (topics) this.topics = this.#makeTopics();
    if (flow) {
      this.flow = {
        pause: () => void this.calls.push(["pause"]),
        resume: () => void this.calls.push(["resume"]),
      };
    }
    if (heartbeat) {
      this.heartbeat = {
        ping: (data) => this.calls.push(data ? ["ping", data] : ["ping"]) > 0,
        activity: () => this.activity,
      };
    }
  }

  send({ payload, byteLength }: OutgoingFrame, compress: boolean): number {
    this.calls.push(["send", payload, compress]);
    return this.bufferedAmount += byteLength;
  }

  sizeOf({ byteLength }: OutgoingFrame): number {
    return byteLength;
  }

  flush(): void {
    this.calls.push(["flush"]);
  }

  close(code: number, reason: string): void {
    this.calls.push(["close", code, reason]);
    this.readyState = CLOSING;
    this.listener?.onclosing();
  }

  terminate(): void {
    this.calls.push(["terminate"]);
    this.#end();
  }

  /** Reports that the handshake is over. */
  opened(): void {
    this.listener?.onopen();
  }

  /** Ends the connection, and reports the end. */
  closed(info: CloseInfo): void {
    this.#end();
    this.listener?.onclose(info);
  }

  #end(): void {
    this.readyState = CLOSED;
    this.bufferedAmount = 0;
    if (this.topics) {
      this.topics.domain = undefined;
      this.topics.unflushedAmount = 0;
    }
    this.listener?.onclosing();
  }

  #makeTopics(): FakeTopics {
    const names = new Set<string>();
    return {
      domain: undefined,
      wasSubscribed: false,
      unflushedAmount: 0,
      names,
      subscribe(name) {
        this.wasSubscribed = true;
        names.add(name);
      },
      unsubscribe: (name) => void names.delete(name),
      broadcast: (name, { payload }, compress) =>
        void this.calls.push(["broadcast", name, payload, compress]),
    };
  }
}
