import { Member, type Run } from "./member.ts";

const BURST = 1024 * 1024;
const PAUSE_MS = 500;

/** Reads a stream in bursts, so that the server must wait for the client again and again. */
export class Reading extends Member {
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(run: Run, name: string) {
    super(run, { name, path: "/stream", whole: "s" });
  }

  protected override received(): void {
    this.#bytes += 16 * 1024;
    if (this.#bytes < BURST) return;
    this.#bytes = 0;
    this.socket.pause();
    this.#timer = setTimeout(() => this.socket.resume(), PAUSE_MS);
  }

  override leave(): Promise<void> {
    clearTimeout(this.#timer);
    this.socket.resume();
    return super.leave();
  }
}
