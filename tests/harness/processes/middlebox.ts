import { run } from "../../../scripts/npm/command.ts";
import { ServerProcess } from "./server_process.ts";

/** A proxy that users install from the packages of their system. */
export type MiddleboxName = "nginx" | "HAProxy";

/** Returns the configuration of a proxy that listens on a port. The folder is for its files. */
export type Configuration = (port: number, folder: string) => string;

/** Names of the proxies that this machine has. */
export const installed: readonly MiddleboxName[] = await installedMiddleboxes();

/** A proxy with a temporary configuration on a free port. The proxy ends with this process. */
export class Middlebox implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #process: ServerProcess;

  private constructor(port: number, folder: string, process: ServerProcess) {
    this.port = port;
    this.#folder = folder;
    this.#process = process;
  }

  /** Starts a proxy, and waits until it listens. */
  static async start(name: MiddleboxName, configuration: Configuration): Promise<Middlebox> {
    for (let attempt = 1;; attempt++) {
      const port = freePort(), folder = await Deno.makeTempDir({ prefix: "onepeer-proxy-" });
      const file = `${folder}/configuration`;
      await Deno.writeTextFile(file, whole(name, configuration(port, folder), folder));
      try {
        const process = await ServerProcess.start([
          "sh",
          "-c",
          SCRIPT,
          name,
          file,
          folder,
          `${port}`,
        ]);
        return new Middlebox(port, folder, process);
      } catch (error) {
        await Deno.remove(folder, { recursive: true });
        // Another process has taken the port in the meantime.
        if (attempt === 5 || !/address already in use/i.test(String(error))) throw error;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/**
 * Starts the proxy in the background: the command returns once the proxy listens. Ends the proxy at
 * the end of the standard input, also if the tests are killed.
 */
const SCRIPT = `
case $0 in
  nginx) nginx -c "$1" ;;
  HAProxy) haproxy -D -q -f "$1" -p "$2/pid" ;;
esac && echo "LISTENING $3" && cat >/dev/null
if [ -s "$2/pid" ]; then kill $(cat "$2/pid"); fi
`;

/**
 * Adds the lines that the configurations of Debian's packages have around those of a site, and keeps
 * all files in a folder. `noreuseport` makes HAProxy fail on a port in use.
 */
function whole(name: MiddleboxName, text: string, folder: string): string {
  if (name === "HAProxy") {
    return `
global
  maxconn 256
  nbthread 1
  noreuseport
defaults
  timeout connect 5000
  timeout client 50000
  timeout server 50000
${text}`;
  }
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`);
  return `
master_process off;
pid ${folder}/pid;
error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  gzip on;
  ${places.join("\n  ")}
${text}
}`;
}

/** Returns a port that is free at the moment. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function installedMiddleboxes(): Promise<MiddleboxName[]> {
  const names: MiddleboxName[] = [];
  for (const name of ["nginx", "HAProxy"] as const) {
    if (await run(name.toLowerCase(), ["-v"]).then(() => true, () => false)) names.push(name);
  }
  return names;
}
