import type { Adapter } from "../../endpoint/adapter.ts";
import type { Peer } from "../../peer.ts";
import type { EndpointName } from "./endpoints.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { Random } from "./random.ts";

/** Answer of the upgrade hook to a valid handshake. */
export type UpgradeBehaviour =
  | "admit"
  | "admit later"
  | "respond"
  | "throw a response"
  | "throw"
  | "reject"
  | "return nonsense"
  | "hang";

/** Behaviour of the hooks of one peer. */
export interface Behaviour {
  /** Whether the hooks only echo, so that the result can be predicted. */
  readonly isEcho: boolean;
  readonly upgrade: UpgradeBehaviour;
  /** Milliseconds that `open` takes; 0 if it is synchronous. */
  readonly openMs: number;
  /** Milliseconds that some `message` hooks take. */
  readonly messageMs: number;
}

/** Returns the behaviour of a peer's hooks. Both processes compute it from the seed. */
export function behaviourOf(seed: number, index: number, endpoint: EndpointName): Behaviour {
  const random = new Random(seed, index, 1);
  const isEcho = random.chance(0.6);
  const upgrade = random.chance(isEcho ? 0.05 : 0.25)
    ? random.weighted<UpgradeBehaviour>({
      "admit": 0,
      "admit later": 10,
      "respond": 2,
      "throw a response": 1,
      "throw": 2,
      "reject": 2,
      "return nonsense": 1,
      "hang": 1,
    })
    : "admit";
  const openMs = random.chance(0.2) ? random.between(1, 15) : 0;
  const messageMs = endpoint === "serial" && random.chance(0.7) ? random.between(1, 2) : 0;
  return { isEcho, upgrade, openMs, messageMs };
}

/** Topics that all histories of a namespace share. */
const TOPICS = ["a", "b", "c", "\u0000odd/topic ü"];

/** Origin of a published text. */
export interface Published {
  readonly namespace: string;
  readonly topic: string;
  /** Index of the history that published it. */
  readonly by: number;
  /** Number of the message among those of the history. */
  readonly count: number;
  readonly echo: boolean;
}

/** Beginning of each published text. */
export const PUBLISHED = "published ";

type Act =
  | "nothing"
  | "send"
  | "send much"
  | "send what cannot be sent"
  | "subscribe"
  | "unsubscribe"
  | "publish"
  | "publish by the adapter"
  | "ping"
  | "wait for the drain"
  | "look"
  | "close"
  | "close illegally"
  | "terminate";
const ACTS: Record<Act, number> = {
  "nothing": 200,
  "send": 100,
  "send much": 1,
  "send what cannot be sent": 5,
  "subscribe": 30,
  "unsubscribe": 15,
  "publish": 20,
  "publish by the adapter": 2,
  "ping": 10,
  "wait for the drain": 10,
  "look": 10,
  "close": 5,
  "close illegally": 3,
  "terminate": 3,
};
type Outcome = "return" | "throw" | "throw an odd value" | "reject" | "later" | "hang";
const OUTCOMES: Record<Outcome, number> = {
  "return": 200,
  "throw": 4,
  "throw an odd value": 2,
  "reject": 6,
  "later": 30,
  "hang": 2,
};

/** Hooks that act at random, as their seed decides. */
export class WildHooks {
  readonly #random: Random;
  readonly #index: number;
  readonly #mayHang: boolean;
  readonly #ws: () => Adapter;
  #published = 0;

  constructor(seed: number, index: number, endpoint: EndpointName, ws: () => Adapter) {
    this.#random = new Random(seed, index, 2);
    this.#index = index;
    this.#mayHang = ENDPOINTS[endpoint].mayHang;
    this.#ws = ws;
  }

  /** Runs one call of a hook: some acts, and an outcome. */
  run(hook: string, peer: Peer, payload: string | Uint8Array = "said by itself"): unknown {
    const random = this.#random;
    for (let acts = random.below(3); acts > 0; acts--) {
      this.#act(random.weighted(ACTS), peer, payload);
    }
    const outcome = random.weighted(OUTCOMES);
    const ms = random.below(4);
    const fails = random.chance(0.2);
    if (outcome === "throw") throw new Error(`the ${hook} hook throws on purpose`);
    if (outcome === "throw an odd value") throw random.pick([undefined, null, 0, "text", {}]);
    if (outcome === "reject") {
      return Promise.reject(new Error(`the ${hook} hook rejects on purpose`));
    }
    if (outcome === "later" || (outcome === "hang" && !this.#mayHang)) {
      return this.#later(ms, fails ? hook : undefined, peer);
    }
    return outcome === "hang" ? new Promise(() => {}) : undefined;
  }

  async #later(ms: number, failing: string | undefined, peer: Peer): Promise<void> {
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    this.#act(this.#random.weighted(ACTS), peer, "said later");
    if (failing) throw new Error(`the ${failing} hook rejects later on purpose`);
  }

  #act(act: Act, peer: Peer, payload: string | Uint8Array): void {
    const random = this.#random;
    switch (act) {
      case "nothing":
        return;
      case "send":
        return void peer.send(payload, { compress: random.chance(0.5) });
      case "send much":
        for (let i = 0; i < 8; i++) peer.send(new Uint8Array(random.below(200_000)));
        return;
      case "send what cannot be sent":
        return void peer.send(random.pick<unknown>([undefined, () => {}, 1n, Symbol("s")]));
      case "subscribe":
        return peer.subscribe(random.pick(TOPICS));
      case "unsubscribe":
        return peer.unsubscribe(random.pick(TOPICS));
      case "publish":
      case "publish by the adapter":
        return this.#publish(act, peer);
      case "ping":
        return void peer.ping(random.pick(["", "ping", "x".repeat(125), "y".repeat(126)]));
      case "wait for the drain":
        return void peer.waitForDrain({
          threshold: random.below(2000),
          ...(random.chance(0.3) ? { signal: AbortSignal.timeout(random.below(20)) } : {}),
        }).catch(() => {});
      case "look":
        return look(peer);
      case "close":
        return peer.close(random.pick([1000, 1001, 1011, 3000, 4999]), random.pick(["", "bye ü"]));
      case "close illegally":
        return peer.close(random.pick([0, 999, 1005, 1006, 5000, NaN]));
      case "terminate":
        return peer.terminate();
    }
  }

  #publish(act: Act, peer: Peer): void {
    const random = this.#random;
    const { namespace } = peer, topic = random.pick(TOPICS), echo = random.chance(0.3);
    const isOwn = act === "publish";
    const said: Published = {
      namespace,
      topic,
      by: this.#index,
      count: this.#published++,
      echo: echo || !isOwn,
    };
    const text = PUBLISHED + JSON.stringify(said);
    if (isOwn) peer.publish(topic, text, { echo });
    else this.#ws().publish(topic, text, { namespace });
  }
}

/** Reads all properties of a peer; none may ever throw. */
function look(peer: Peer): void {
  const { websocket, request } = peer;
  void [peer.id, peer.topics.size, peer.peers.size, peer.remoteAddress, peer.bufferedAmount];
  void [websocket.url, websocket.protocol, websocket.extensions, websocket.readyState];
  void [request.url, request.signal.aborted, request.headers.get("host"), JSON.stringify(peer)];
}
