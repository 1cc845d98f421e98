import { cpuTime } from "../cpu_time.ts";
import type { Command, Event, Publish } from "./node.ts";

/** One node, as a process. */
export class NodeProcess {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #onEvent: (event: Event) => void = () => {};

  constructor(command: readonly string[]) {
    const [program, ...args] = command;
    this.#child = new Deno.Command(program!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    void this.#read();
  }

  /** CPU time of the process so far, in seconds. */
  get cpu(): number {
    return cpuTime(this.#child.pid);
  }

  /** Sends a command. */
  tell(command: Command): void {
    void this.#input.write(this.#encoder.encode(`${JSON.stringify(command)}\n`));
  }

  /** Calls back with each event from now on. */
  onEvent(listener: (event: Event) => void): void {
    this.#onEvent = listener;
  }

  /** Resolves with the first event for which `wanted` is true. */
  event(wanted: (event: Event) => boolean): Promise<Event> {
    return new Promise((resolve) => this.onEvent((event) => wanted(event) && resolve(event)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#child.status;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#onEvent(JSON.parse(line) as Event);
    }
  }
}

/** Figures of one run. */
export interface Flood {
  /** Messages per second, from the first publish until all receivers have all messages. */
  readonly perSecond: number;
  /** Microseconds of CPU for each message: of the publisher, and of all receivers together. */
  readonly publisher: number;
  readonly receivers: number;
}

/** Milliseconds in which receivers read what has arrived, if they report no messages. */
const REST_MS = 300;

/**
 * Sends messages from the first node to all others, until they have all messages.
 *
 * @param share the share of all messages that each receiver hears: 1, a part, or 0.
 */
export async function flood(
  nodes: readonly NodeProcess[],
  command: Publish,
  share = 1,
): Promise<Flood> {
  const [publisher, ...receivers] = nodes, { publish: count } = command;
  const before = nodes.map(({ cpu }) => cpu), start = performance.now();
  const got = receivers.map(() => 0), base: (number | undefined)[] = receivers.map(() => undefined);
  await new Promise<void>((resolve) => {
    if (share === 0) {
      publisher!.onEvent((event) => "published" in event && setTimeout(resolve, REST_MS));
      publisher!.tell(command);
      publisher!.tell({ acknowledged: count }); // nobody reports messages
      return;
    }
    for (const [i, receiver] of receivers.entries()) {
      receiver.onEvent((event) => {
        if (!("got" in event)) return;
        base[i] ??= event.got - REPORT_EVERY; // the receiver counts on from run to run
        got[i] = event.got - base[i];
        const all = Math.min(...got) / share;
        publisher!.tell({ acknowledged: all });
        if (all >= count) resolve();
      });
    }
    publisher!.tell(command);
  });
  const seconds = (performance.now() - start) / 1000;
  const used = nodes.map(({ cpu }, i) => (cpu - before[i]!) * 1e6 / count);
  return {
    perSecond: count / seconds,
    publisher: used[0]!,
    receivers: used.slice(1).reduce((sum, it) => sum + it, 0),
  };
}

/** Messages between two reports of a receiver, as in `node.ts`. */
const REPORT_EVERY = 250;
