import { TimeLimit } from "../time_limit.ts";

/** A server under test in a separate process. The process ends when its standard input ends. */
export class ServerProcess implements AsyncDisposable {
  /** Address that the process printed after `LISTENING`: a port or a URL. */
  readonly address: string;
  /** Command that started the process. */
  readonly command: readonly string[];
  /** Last output of the process, once it has ended unexpectedly. */
  exited: string | undefined;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #done: Promise<unknown>;
  #output: string;
  #isStopping = false;

  private constructor(
    command: readonly string[],
    child: Deno.ChildProcess,
    output: string,
    errors: Promise<string>,
    rest: AsyncIterable<string>,
  ) {
    this.command = command;
    this.#child = child;
    this.#output = output;
    this.address = LISTENING.exec(output)![1]!;
    this.#input = child.stdin.getWriter();
    const drain = async () => {
      for await (const text of rest) this.#output += text;
    };
    this.#done = Promise.all([child.status, errors, drain()]).then(([status, text]) => {
      if (!this.#isStopping) this.exited = `the server's process ended (${status.code}): ${text}`;
    });
  }

  /** Starts a command, and waits until it listens. */
  static async start(command: readonly string[]): Promise<ServerProcess> {
    const [program, ...args] = command;
    const child = new Deno.Command(program!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    const errors = new Response(shownIfDebugging(child.stderr)).text();
    const chunks = shownIfDebugging(child.stdout).pipeThrough(new TextDecoderStream()).values({
      preventCancel: true,
    });
    let output = "";
    const limit = new TimeLimit(START_MS);
    while (!LISTENING.test(output)) {
      const { value, done } = await limit.race(chunks.next(), "").catch(() => {
        child.kill("SIGKILL");
        return chunks.next();
      });
      if (done) throw new Error(`the server did not start: ${output}${await errors}`);
      output += value;
    }
    return new ServerProcess(command, child, output, errors, chunks);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get port(): number {
    return Number(/(\d+)\/?$/.exec(this.address)![1]);
  }

  /** Waits for the exit code of the process. */
  get exitCode(): Promise<number> {
    return this.#child.status.then(({ code }) => code);
  }

  /** Output of the process so far. */
  get output(): string {
    return this.#output;
  }

  /** Ends the input or sends a signal, and waits for the exit. Kills the process after 2 s. */
  async stop(signal?: Deno.Signal): Promise<void> {
    this.#isStopping = true;
    if (signal) this.#child.kill(signal);
    await this.#input.close().catch(() => {});
    await new TimeLimit(2000).race(this.#done, "").catch(() => this.#child.kill("SIGKILL"));
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** With `DEBUG=1`, the output of servers is shown too, such as `console.log` in a hook. */
function shownIfDebugging(
  output: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  if (!Deno.env.get("DEBUG")) return output;
  return output.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        Deno.stderr.writeSync(chunk);
        controller.enqueue(chunk);
      },
    }),
  );
}

/** Milliseconds in which a program must listen. */
const START_MS = 20_000;
const LISTENING = /LISTENING (\S+)\n/;
