import { pathOf, roomAt } from "./protocol.ts";

const FIRST_ROOM = "lobby";

const HEADERS = {
  "cache-control": "no-cache",
  // Chat text cannot run as code: inline scripts are off, and Trusted Types reject HTML.
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
};

/** Answers a plain HTTP request from these files, on every runtime. */
export function answer(request: Request, assets: ReadonlyMap<string, string>): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return respond("txt", "Method not allowed\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const { pathname } = new URL(request.url);
  if (pathname === "/") {
    return respond("txt", "", { status: 302, headers: { location: pathOf(FIRST_ROOM) } });
  }
  if (roomAt(pathname)) return respond("html", assets.get("index.html") ?? "");
  const name = /^\/assets\/(\w+\.(?:css|js|svg))$/.exec(pathname)?.[1] ?? "";
  const asset = assets.get(name);
  if (asset === undefined) return respond("txt", "Not found\n", { status: 404 });
  return respond(name.slice(name.indexOf(".") + 1), asset);
}

function respond(
  type: string,
  body: string,
  init: { status?: number; headers?: Record<string, string> } = {},
): Response {
  const headers = { ...HEADERS, "content-type": TYPES[type] ?? "", ...init.headers };
  return new Response(body, { ...init, headers });
}
