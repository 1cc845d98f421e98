/**
 * A network namespace behind a pair of virtual Ethernet devices. A client there speaks TCP as one
 * on another machine does, and once it is {@linkcode cut} off, nothing gets through any more: no
 * FIN, no RST, no acknowledgement of what is under way.
 */
export class FarNetwork implements AsyncDisposable {
  /** A Unix socket; what connects to it gets a line to the server. */
  readonly path: string;
  readonly #name: string;
  readonly #address: string;
  readonly #relay: Deno.ChildProcess;

  private constructor(name: string, address: string, path: string, relay: Deno.ChildProcess) {
    this.#name = name;
    this.#address = address;
    this.path = path;
    this.#relay = relay;
  }

  /** Whether this process may make network namespaces, which takes root and `ip`. */
  static async isPossible(): Promise<boolean> {
    if (Deno.build.os !== "linux") return false;
    const name = freshName();
    try {
      await ip("netns", "add", name);
      await ip("netns", "exec", name, "true");
      return true;
    } catch {
      return false;
    } finally {
      await ip("netns", "del", name).catch(() => {});
    }
  }

  /** Makes one from which a server that listens on all addresses can be reached. */
  static async open(port: number): Promise<FarNetwork> {
    const name = freshName(), near = `${name}n`, far = `${name}f`;
    const [host, address] = freshAddresses();
    const path = `${await Deno.makeTempDir({ prefix: name })}/relay.sock`;
    await ip("netns", "add", name);
    await ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name);
    await ip("addr", "add", `${host}/30`, "dev", near);
    await ip("link", "set", near, "up");
    await ip("-n", name, "addr", "add", `${address}/30`, "dev", far);
    await ip("-n", name, "link", "set", far, "up");
    const program = new URL("relay.ts", import.meta.url).pathname;
    const deno = [Deno.execPath(), "run", "-A", "--no-check", program];
    const relay = new Deno.Command("ip", {
      args: ["netns", "exec", name, ...deno, path, address, host, `${port}`],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = relay.stdout.getReader();
    await reader.read(); // it listens
    await reader.cancel();
    return new FarNetwork(name, address, path, relay);
  }

  /** From here on whatever is sent is lost, both ways. */
  cut(): Promise<void> {
    return ip("-n", this.#name, "addr", "del", `${this.#address}/30`, "dev", `${this.#name}f`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#relay.kill("SIGKILL");
    await this.#relay.status;
    await ip("link", "del", `${this.#name}n`);
    await ip("netns", "del", this.#name);
    await Deno.remove(new URL("./", `file://${this.path}`), { recursive: true }).catch(() => {});
  }
}

function freshName(): string {
  return `op${crypto.randomUUID().slice(0, 8)}`; // with one more letter still a name of a device
}

/** Two neighbours of 198.18.0.0/15, which is for tests of networks (RFC 2544). */
function freshAddresses(): [string, string] {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3));
  const of = (last: number) => `198.${18 + a % 2}.${b}.${(c & 0xfc) + last}`;
  return [of(1), of(2)];
}

async function ip(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args }).output();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
