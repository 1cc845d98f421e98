import type { Configuration, MiddleboxName } from "../harness/processes/middlebox.ts";

/** Certificate of a proxy, and its key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Changes to a configuration of the documentation. */
export interface DocumentedOptions {
  readonly certificate: Certificate;
  /** Milliseconds of silence after which the proxy ends a connection, instead of 60 s. */
  readonly silence?: number;
  /** Port of a second server. With two servers, the comment about several processes is code. */
  readonly second?: number;
}

const FILES = { nginx: "nginx.conf", HAProxy: "haproxy.cfg" };
const SEVERAL = {
  nginx: { comment: "# ip_hash;", code: "ip_hash;" },
  HAProxy: { comment: "# balance source ", code: "balance source " },
};

/** Returns a configuration of `docs/deployment/` with the ports and files of a test. */
export async function documented(
  name: MiddleboxName,
  server: number,
  { certificate: { cert, key }, silence = 60_000, second }: DocumentedOptions,
): Promise<Configuration> {
  const url = new URL(`../../docs/deployment/${FILES[name]}`, import.meta.url);
  const text = await Deno.readTextFile(url);
  return (port, folder) => {
    Deno.writeTextFileSync(`${folder}/cert.pem`, cert);
    Deno.writeTextFileSync(`${folder}/key.pem`, key);
    Deno.writeTextFileSync(`${folder}/both.pem`, `${cert}${key}`);
    const { comment, code } = SEVERAL[name];
    const oneServer = { nginx: "server 127.0.0.1:3000;", HAProxy: "server one 127.0.0.1:3000" };
    const servers = {
      nginx: (ports: number[]) => ports.map((it) => `server 127.0.0.1:${it};`),
      HAProxy: (ports: number[]) => ports.map((it) => `server s${it} 127.0.0.1:${it}`),
    };
    return replaced(text, {
      "60s": `${silence}ms`,
      [oneServer[name]]: servers[name](second ? [server, second] : [server]).join("\n  "),
      [comment]: second ? code : comment,
      ...(name === "nginx"
        ? {
          "listen 443 ssl http2;": `listen 127.0.0.1:${port} ssl http2;`,
          "/etc/ssl/example.com/fullchain.pem": `${folder}/cert.pem`,
          "/etc/ssl/example.com/privkey.pem": `${folder}/key.pem`,
        }
        : {
          "bind :443 ": `bind 127.0.0.1:${port} `,
          "/etc/haproxy/example.com.pem": `${folder}/both.pem`,
        }),
    });
  };
}

/** Further lines of a plain configuration. */
export interface PlainOptions {
  /** Lines for the part that receives requests. */
  readonly front?: readonly string[];
  /** Lines for the part that forwards requests. */
  readonly back?: readonly string[];
}

/** Returns a configuration that only forwards requests. All else has the proxy's defaults. */
export function plain(
  name: MiddleboxName,
  server: number,
  { front = [], back = [] }: PlainOptions = {},
): Configuration {
  if (name === "nginx") {
    return (port) => `
server {
  listen 127.0.0.1:${port};
  ${front.join("\n  ")}
  location / {
    proxy_pass http://127.0.0.1:${server};
    ${back.join("\n    ")}
  }
}`;
  }
  return (port) => `
frontend all
  mode http
  bind 127.0.0.1:${port}
  ${front.join("\n  ")}
  default_backend app

backend app
  mode http
  ${back.join("\n  ")}
  server one 127.0.0.1:${server}
`;
}

/** Lines with which nginx forwards upgrades, without the other lines of the documentation. */
export const NGINX_UPGRADES: readonly string[] = [
  "proxy_http_version 1.1;",
  "proxy_set_header Upgrade $http_upgrade;",
  'proxy_set_header Connection "upgrade";',
];

/** Replaces texts that must occur. */
function replaced(text: string, by: Readonly<Record<string, string>>): string {
  for (const [from, to] of Object.entries(by)) {
    if (!text.includes(from)) throw new Error(`the configuration lacks ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}
