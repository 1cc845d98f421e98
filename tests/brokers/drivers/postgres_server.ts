import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
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
    const processes = processesOf(child), exited = hasEnded(child) || once(child, "exit");
    for (const pid of processes) signal(pid, "SIGKILL");
    await exited;
    // The next server starts only if no process uses the shared memory of this one.
    while (processes.some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Ends the server as an administrator does: it writes all its data first. */
  async stop(): Promise<void> {
    const child = this.#child!, exited = once(child, "exit");
    this.#child = undefined;
    signal(child.pid!, "SIGINT");
    await exited;
  }

  /**
   * Kills one process of a connection. The server then ends all others, and begins again from its
   * log, as after a crash.
   */
  async crash(): Promise<void> {
    const client = await this.#connect(), { rows } = await client.query("select pg_backend_pid()");
    // Not `once`, which rejects at the error before the end.
    const ended = new Promise((resolve) => client.once("end", resolve));
    signal(rows[0].pg_backend_pid, "SIGKILL");
    await ended;
    for (;;) {
      try {
        return await (await this.#connect()).end();
      } catch {
        // On a busy machine the server may end instead, for example if two crashes meet.
        if (this.#child && hasEnded(this.#child)) await this.restart();
        await new Promise((resolve) => setTimeout(resolve, 20)); // not ready yet
      }
    }
  }

  /** Copies the files of a server that has stopped. Returns a function that brings them back. */
  async copy(): Promise<() => Promise<void>> {
    const data = `${this.#folder}/data`, copy = `${this.#folder}/copy`;
    await asServer("cp", "-r", data, copy);
    return async () => {
      await rm(data, { recursive: true });
      await asServer("mv", copy, data);
    };
  }

  /** Returns a dump of the database, as SQL. */
  async dump(): Promise<string> {
    const { stdout } = await execute(tool("pg_dump"), [this.url()], {
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }

  /** Carries out a dump. */
  async restore(dump: string): Promise<void> {
    const done = execute(tool("psql"), ["-q", "-v", "ON_ERROR_STOP=1", this.url()]);
    done.child.stdin!.end(dump);
    await done;
  }

  /** Starts a replica of this server, which has what this server has. */
  async replica(): Promise<PostgresServer> {
    const folder = await temporaryFolder(), { port } = this;
    const source = `host=127.0.0.1 port=${port} user=${OWNER} password=${PASSWORD}`;
    await asServer(
      tool("pg_basebackup"),
      ...["-d", source, "-D", `${folder}/data`, "-R", "-X", "stream", "-c", "fast"],
    );
    const server = new PostgresServer(await freePort(), folder);
    await server.restart();
    return server;
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

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
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

/** Returns the path of a program beside the server's own: a link to `postgres` may stand alone. */
function tool(name: string): string {
  return `${dirname(realpathSync(`${programs()}/postgres`))}/${name}`;
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
      if (!/ready to accept (?:read-only )?connections/.test(log)) return;
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
