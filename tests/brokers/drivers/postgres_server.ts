import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";
import pg from "pg";
import type { BrokerFaults } from "../driver.ts";
import { freePort } from "../server_process.ts";

const execute = promisify(execFile);
/** Folder of Debian's packages: the server's programs are not on the PATH. */
const DEBIAN = "/usr/lib/postgresql";
/** Role that may do everything, and the password of all roles. */
const OWNER = "owner", PASSWORD = "secret";
/** Milliseconds for the start of a server. */
const START_TIMEOUT = 30_000;

/** A real server of PostgreSQL, in a folder of its own, on a free port of 127.0.0.1. */
export class PostgresServer implements BrokerFaults, AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  /** Connection of the tests themselves. */
  #owner: pg.Client | undefined;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
    process.once("exit", this.#killAll);
  }

  /** Returns what this machine lacks. */
  static missing(): string | undefined {
    return programs() ? undefined : "initdb and postgres (Debian: the package postgresql)";
  }

  /** Starts a server. Its files are made once for each program, and copied. */
  static async start(): Promise<PostgresServer> {
    template ??= makeTemplate();
    const folder = await temporaryFolder();
    await asServer("cp", "-r", `${await template}/data`, folder);
    const server = new PostgresServer(await freePort(), folder);
    await server.restart();
    return server;
  }

  /** Address of a database for a role. */
  url({ role = OWNER, database = "postgres" }: { role?: string; database?: string } = {}): string {
    return `postgres://${role}:${PASSWORD}@127.0.0.1:${this.port}/${database}`;
  }

  /** Runs a statement. */
  async query(statement: string | pg.QueryConfig): Promise<pg.QueryResult> {
    this.#owner ??= await this.#connect();
    return await this.#owner.query(statement);
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client(this.url());
    client.on("error", () => this.#owner = undefined);
    await client.connect();
    return client;
  }

  async restart(): Promise<void> {
    const settings = {
      fsync: "off",
      listen_addresses: "127.0.0.1",
      max_connections: 50,
      port: this.port,
      shared_buffers: "16MB",
      unix_socket_directories: "",
    };
    const [command, ...args] = commandOf(
      `${programs()}/postgres`,
      "-D",
      `${this.#folder}/data`,
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    );
    const child = spawn(command!, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    await isReady(child);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    const processes = processesOf(child), exited = once(child, "exit");
    for (const pid of processes) signal(pid, "SIGKILL");
    await exited;
    // The next server starts only if no process uses the shared memory of this one.
    while (processes.some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  freeze(): void {
    for (const pid of processesOf(this.#child)) signal(pid, "SIGSTOP");
  }

  thaw(): void {
    for (const pid of processesOf(this.#child)) signal(pid, "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owner?.end();
    await this.kill();
    process.off("exit", this.#killAll);
    await rm(this.#folder, { recursive: true, force: true });
  }

  readonly #killAll = (): void => {
    for (const pid of processesOf(this.#child)) signal(pid, "SIGKILL");
  };
}

/** Folder with the files of a new database. */
let template: Promise<string> | undefined;

async function makeTemplate(): Promise<string> {
  const folder = await temporaryFolder();
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const initdb = `${programs()}/initdb -D ${folder}/data -U ${OWNER} -A scram-sha-256 -E UTF8`;
  const password = `${folder}/password`;
  const options = `--locale=C --no-sync --pwfile=${password}`;
  await asServer("sh", "-c", `echo ${PASSWORD} >${password} && ${initdb} ${options}`);
  return folder;
}

/** Returns the folder with the programs of the server. */
function programs(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort().reverse() : [];
  const folders = [
    ...(process.env.PATH ?? "").split(":"),
    ...versions.map((version) => `${DEBIAN}/${version}/bin`),
  ];
  return folders.find((path) => existsSync(`${path}/initdb`) && existsSync(`${path}/postgres`));
}

/**
 * Returns a command for a user who is not root, as PostgreSQL refuses to run as root. The command is
 * killed as soon as the process of the test ends, however that ends.
 */
function commandOf(...command: readonly string[]): string[] {
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? ["--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
  return ["setpriv", "--pdeathsig=KILL", ...user, ...command];
}

async function asServer(...command: readonly string[]): Promise<string> {
  const [program, ...args] = commandOf(...command);
  const { stdout } = await execute(program!, args, { cwd: "/" });
  return stdout.trim();
}

function temporaryFolder(): Promise<string> {
  return asServer("mktemp", "-d", "/tmp/onepeer-postgres-XXXXXX");
}

/** Resolves when the server accepts connections, and goes on to read its log. */
function isReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    const timer = setTimeout(
      () => reject(new Error(`PostgreSQL does not start:\n${log}`)),
      START_TIMEOUT,
    );
    child.stderr!.on("data", (chunk) => {
      log = (log + chunk).slice(-10_000);
      if (!log.includes("ready to accept connections")) return;
      clearTimeout(timer);
      resolve();
    });
    child.once("error", reject);
    child.once("exit", () => {
      clearTimeout(timer);
      reject(new Error(`PostgreSQL has ended:\n${log}`));
    });
  });
}

/** Process of the server, and its children: one for each connection. */
function processesOf(child: ChildProcess | undefined): number[] {
  if (child?.pid === undefined) return [];
  const { pid } = child, children = `/proc/${pid}/task/${pid}/children`;
  const pids = existsSync(children) ? readFileSync(children, "utf8").trim().split(" ") : [];
  return [pid, ...pids.map(Number)];
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch { /* the process has ended meanwhile */ }
}

function isRunning(pid: number): boolean {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  return stat !== "" && !/\) [ZX]/.test(stat);
}
