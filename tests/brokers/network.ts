import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Number of networks of this process. */
let count = 0;

/**
 * A network of its own for a server, with one cable to each node. A cut cable carries nothing in
 * either direction, and tells neither side: no connection is closed.
 */
export class Network implements AsyncDisposable {
  /** Address of the server on each cable. */
  readonly addresses: readonly string[];
  readonly #name: string;

  private constructor(name: string, addresses: readonly string[]) {
    this.#name = name;
    this.addresses = addresses;
  }

  /** Returns what this machine lacks: only root can make networks, and not in every container. */
  static async missing(): Promise<string | undefined> {
    const name = nameOf("p");
    try {
      await ip("netns", "add", name);
      await ip("netns", "delete", name);
    } catch {
      return "network namespaces: the command ip, and the rights of root";
    }
  }

  /** Makes a network. */
  static async create(cables: number): Promise<Network> {
    const name = nameOf(`${++count}`), third = process.pid % 256;
    await ip("netns", "add", name);
    const addresses: string[] = [];
    for (let i = 0; i < cables; i++) {
      // 198.18.0.0/15 is for tests of networks (RFC 2544).
      const start = `198.${18 + count % 2}.${third}`, here = `${name}h${i}`;
      await ip("link", "add", here, "type", "veth", "peer", "name", `s${i}`, "netns", name);
      await ip("address", "add", `${start}.${4 * i + 1}/30`, "dev", here);
      await ip("link", "set", here, "up");
      await ip("-n", name, "address", "add", `${start}.${4 * i + 2}/30`, "dev", `s${i}`);
      await ip("-n", name, "link", "set", `s${i}`, "up");
      addresses.push(`${start}.${4 * i + 2}`);
    }
    await ip("-n", name, "link", "set", "lo", "up");
    return new Network(name, addresses);
  }

  /** Returns a command that runs another one in the network. */
  command(...command: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.#name, ...command];
  }

  /** Pulls a cable out. */
  async cut(cable: number): Promise<void> {
    await ip("-n", this.#name, "link", "set", `s${cable}`, "down");
  }

  /** Plugs a cable in again. */
  async mend(cable: number): Promise<void> {
    await ip("-n", this.#name, "link", "set", `s${cable}`, "up");
  }

  /** Removes the network, with its cables. Its programs must have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await ip("netns", "delete", this.#name);
  }
}

/** Short: the name of a cable has at most 15 characters. */
function nameOf(suffix: string): string {
  return `op${process.pid}-${suffix}`;
}

async function ip(...args: readonly string[]): Promise<void> {
  await execute("ip", args);
}
