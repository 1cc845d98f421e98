import { Buffer } from "node:buffer";
import { PeerError } from "../../common/errors.ts";
import type { UpgradeRequest } from "../../handshake/handshake.ts";
import type { Hooks, UpgradeResult } from "../../endpoint/hooks.ts";
import type { Peer } from "../../peer.ts";
import type { Case, CaseServer, CaseServerOptions } from "../fixtures/case.ts";
import { digest } from "./digest.ts";
import { type EndpointName, ENDPOINTS } from "./endpoints.ts";
import { type Behaviour, behaviourOf, WildHooks } from "./hook_behaviour.ts";
import { tokenOf } from "./token.ts";
import { type ProcessFailures, processFailures } from "./process_failures.ts";

/**
 * Events of one peer: the name of a synchronous hook, `+name` and `-name` around an asynchronous
 * one.
 */
export interface PeerRecord {
  readonly events: string[];
}

/** Health that a server half reports about itself. */
export interface ServerHealth extends ProcessFailures {
  /** Hooks that started after the end, when the record of their peer was already taken. */
  readonly late: readonly string[];
  readonly hookCalls: number;
}

/** Query of a canary. */
export const CANARY = "canary";

class Visit implements PeerRecord {
  readonly events: string[] = [];
  readonly index: number;
  readonly behaviour: Behaviour | undefined;
  readonly wild: WildHooks | undefined;
  isTaken = false;

  constructor(index: number, behaviour?: Behaviour, wild?: WildHooks) {
    this.index = index;
    this.behaviour = behaviour;
    this.wild = wild;
  }

  get isOver(): boolean {
    return this.events.some((event) => /^\+?close/.test(event));
  }
}

/** Server half of all histories of one endpoint. */
class FuzzServer {
  readonly #server: CaseServer;
  readonly #endpoint: EndpointName;
  readonly #visits = new Map<number, Visit[]>();
  readonly #late: string[] = [];
  readonly #failures = processFailures();
  #hookCalls = 0;

  constructor(server: CaseServer, endpoint: EndpointName) {
    this.#server = server;
    this.#endpoint = endpoint;
  }

  get options(): CaseServerOptions {
    const { error, ...hooks } = this.#hooks();
    const onlyError = { error };
    return {
      ...ENDPOINTS[this.#endpoint].options,
      hooks,
      // Adds the `error` hook to most histories.
      resolve: ({ url }) => hasNoErrorHook(url) ? undefined : onlyError,
      onError: () => {},
      commands: {
        records: (indices) => this.#records(indices as number[]),
        health: (): ServerHealth => ({
          ...this.#failures,
          late: this.#late,
          hookCalls: this.#hookCalls,
        }),
      },
    };
  }

  #hooks(): Pick<
    Hooks,
    "upgrade" | "open" | "message" | "ping" | "pong" | "drain" | "close" | "error"
  > {
    return {
      upgrade: (request) => this.#upgrade(request),
      open: (peer) => this.#run(peer, "open", "open", (visit) => open(visit, peer)),
      message: (peer, message) => {
        const { rawData } = message, isText = message.type === "text";
        const label = `message ${digest(isText, Buffer.from(rawData as Uint8Array))}`;
        return this.#run(peer, "message", label, (visit) => answer(visit, peer, rawData));
      },
      ping: (peer, data) => this.#run(peer, "ping", `ping ${data.length}`),
      pong: (peer, data) => this.#run(peer, "pong", `pong ${data.length}`),
      drain: (peer) => this.#run(peer, "drain", "drain"),
      close: (peer, { code, reason, wasClean }) =>
        this.#run(peer, "close", `close ${code} ${wasClean} ${reason}`),
      error: (peer, error) => {
        const isOfHook = error.hook !== undefined;
        const code = error instanceof PeerError ? error.code : error.name;
        return this.#run(
          peer,
          "error",
          isOfHook ? `error ${error.hook}` : `error of the connection ${code}`,
        );
      },
    };
  }

  #upgrade(request: UpgradeRequest): Promise<UpgradeResult> | UpgradeResult | Response {
    this.#hookCalls++;
    const visit = this.#visit(request.url);
    const result: UpgradeResult = {
      context: { visit },
      ...(visit.index % 3 === 0 ? { headers: [["x-fuzz", "1"], ["set-cookie", "a=b"]] } : {}),
    };
    switch (visit.behaviour?.upgrade) {
      case "admit later":
        return new Promise((resolve) => setTimeout(resolve, visit.index % 20, result));
      case "respond":
        return new Response("no", { status: 403 });
      case "throw a response":
        throw new Response("gone", { status: 410 });
      case "throw":
        throw new Error("the upgrade hook throws on purpose");
      case "reject":
        return Promise.reject(new Error("the upgrade hook rejects on purpose"));
      case "return nonsense":
        return false as unknown as UpgradeResult;
      case "hang":
        return new Promise(() => {});
      default:
        return result;
    }
  }

  #visit(url: string): Visit {
    const query = url.slice(url.indexOf("?") + 1);
    if (query === CANARY) return new Visit(-1);
    const [seed = 0, index = 0] = query.split(".").map((part) => parseInt(part, 36));
    if (query !== tokenOf(seed, index)) return new Visit(-2); // a mutation changed a bit
    const behaviour = behaviourOf(seed, index, this.#endpoint);
    const wild = behaviour.isEcho
      ? undefined
      : new WildHooks(seed, index, this.#endpoint, () => this.#server.ws);
    const visit = new Visit(index, behaviour, wild);
    this.#visits.set(index, [...this.#visits.get(index) ?? [], visit]);
    return visit;
  }

  /** Runs a hook, and records its start and end. */
  #run(
    peer: Peer,
    hook: string,
    label: string,
    act: (visit: Visit) => unknown = (visit) => visit.wild?.run(hook, peer),
  ): Promise<void> | void {
    this.#hookCalls++;
    const visit = peer.context.visit as Visit;
    if (visit.isTaken && !label.startsWith("error ")) this.#late.push(`${visit.index}: ${label}`);
    const { events } = visit;
    const isKept = visit.index >= 0 && !visit.isTaken;
    const at = isKept ? events.push(label) - 1 : -1;
    const pending = act(visit);
    if (!(pending instanceof Promise)) return;
    if (isKept) events[at] = `+${label}`;
    // Only the library holds this promise: a second holder would hide an unhandled rejection.
    return (async () => {
      try {
        await pending;
      } finally {
        if (isKept) events.push(`-${hook}`);
      }
    })();
  }

  /** Returns the records of these histories, once their peers are gone. */
  async #records(indices: readonly number[]): Promise<PeerRecord[][]> {
    const visits = indices.map((index) => this.#visits.get(index) ?? []);
    const deadline = Date.now() + 20_000;
    const isOver = () => visits.flat().every((it) => it.isOver || it.events.length === 0);
    while (!isOver() && Date.now() < deadline) await new Promise((go) => setTimeout(go, 10));
    for (const index of indices) this.#visits.delete(index);
    for (const visit of visits.flat()) visit.isTaken = true;
    return visits.map((list) => list.map(({ events }) => ({ events })));
  }
}

function open({ index, behaviour, wild }: Visit, peer: Peer): unknown {
  if (index === -1) return peer.subscribe(CANARY);
  if (behaviour && behaviour.openMs > 0) {
    return new Promise((resolve) => setTimeout(resolve, behaviour.openMs));
  }
  return wild?.run("open", peer);
}

function answer(
  { index, behaviour, wild }: Visit,
  peer: Peer,
  payload: string | Uint8Array,
): unknown {
  if (wild) return wild.run("message", peer, payload);
  if (index === -1) peer.publish(CANARY, payload, { echo: true });
  if (!behaviour?.messageMs) return void peer.send(payload);
  return new Promise<void>((resolve) => {
    setTimeout(() => {
      peer.send(payload);
      resolve();
    }, behaviour.messageMs - 1);
  });
}

/**
 * Whether a history has an error hook. Without one, the library reports the error and closes the
 * peer.
 */
function hasNoErrorHook(url: string): boolean {
  const [, index = ""] = url.slice(url.indexOf("?") + 1).split(".");
  return parseInt(index, 36) % 16 === 7;
}

/** Server halves of the fuzz histories: one for each endpoint. */
export const fuzzServers: readonly Pick<Case, "id" | "server">[] = Object.keys(ENDPOINTS).map(
  (name) => ({
    id: `fuzz.${name}`,
    server: (server) => new FuzzServer(server, name as EndpointName).options,
  }),
);
