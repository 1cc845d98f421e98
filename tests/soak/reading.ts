import { Member, type Run } from "./member.ts";

const BURST = 1024 * 1024;
const PAUSE_MS = 500;

/** Reads what the server streams, in bursts: the server has to wait for it again and again. */
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
