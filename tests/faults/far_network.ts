/**
 * A network namespace behind a pair of virtual Ethernet devices. A client there speaks TCP as from
 * another machine. After {@linkcode cut}, nothing gets through: no FIN, no RST, and no
 * acknowledgement of the bytes on their way.
 */
export class FarNetwork implements AsyncDisposable {
  /** Path of a Unix socket that relays each connection to the server. */
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

  /** Whether this process may create network namespaces, which needs root and `ip`. */
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

  /** Creates a network that reaches a server which listens on all addresses. */
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
    await reader.read(); // the relay listens
    await reader.cancel();
    return new FarNetwork(name, address, path, relay);
  }

  /** Loses all packets from now on, in both directions. */
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
  return `op${crypto.randomUUID().slice(0, 8)}`; // one more letter still makes a valid name of a device
}

/** Two neighbouring addresses in 198.18.0.0/15, reserved for network tests (RFC 2544). */
function freshAddresses(): [string, string] {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3));
  const of = (last: number) => `198.${18 + a % 2}.${b}.${(c & 0xfc) + last}`;
  return [of(1), of(2)];
}

async function ip(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args }).output();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
