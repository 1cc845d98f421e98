import { accepted, either, head, REFUSED, refused, slug, USUAL } from "./handshake_row.ts";
import { prefixed, type Row, type Section } from "./row.ts";

const line: Row[] = [
  ...["/path", "/a/b?c=d&e", "//host/path", "/%20%C3%A9", "/a/../b", "/?", "/a;b=c"].map((target) =>
    accepted(`target-${slug(target) || "root"}`, `the target ${target}`, { target })
  ),
  accepted("target-absolute", "a target in absolute form (RFC 9112 §3.2.2)", {
    target: "http://127.0.0.1/a",
  }),
  accepted("target-fragment", "a target with a fragment", { target: "/a#b" }, REFUSED),
  refused("target-star", "the target * with GET", { target: "*" }),
  refused("target-relative", "a target without a slash", { target: "path" }),
  refused("target-long", "a target of 1 MiB", { target: `/${"x".repeat(1 << 20)}` }, 414, 431),
  ...["POST", "PUT", "HEAD", "OPTIONS", "DELETE"].map((method) =>
    refused(`method-${method}`, `the method ${method}`, { method }, 405)
  ),
  refused(
    "method-lower-case",
    "the method get, as methods are case-sensitive",
    { method: "get" },
    405,
    501,
  ),
  ...["1.0", "0.9", "2.0", "1.2", "x"].map((version) =>
    version === "1.2"
      ? either("http-1-2", "HTTP/1.2, which may count as HTTP/1.1 (RFC 9110 §2.5)", {
        version,
      })
      : refused(`http-${slug(version)}`, `HTTP/${version}`, { version }, 426, 505)
  ),
];

const http: Row[] = [
  refused(
    "colon-spaced",
    "a space before the colon (RFC 9112 §5.1)",
    head("GET / HTTP/1.1", ...USUAL, "X-A : b"),
  ),
  refused("header-nul", "a NUL in a header value", head("GET / HTTP/1.1", ...USUAL, "X-A: b\0c")),
  refused(
    "header-cr",
    "a bare CR in a header value",
    head("GET / HTTP/1.1", ...USUAL, "X-A: b\rc"),
  ),
  refused("header-nameless", "a header without a name", head("GET / HTTP/1.1", ...USUAL, ": b")),
  refused(
    "header-illegal-name",
    "a header name that is no token",
    head("GET / HTTP/1.1", ...USUAL, "X(A): b"),
  ),
  either(
    "obs-fold",
    "a folded header (RFC 9112 §5.2)",
    head("GET / HTTP/1.1", ...USUAL, "X-A: b", " c"),
  ),
  either(
    "obs-fold-upgrade",
    "a folded Upgrade header",
    head("GET / HTTP/1.1", "Upgrade:", " websocket", ...USUAL.filter((it) => !it.startsWith("Up"))),
  ),
  either(
    "bare-lf",
    "lines that end with a bare LF (RFC 9112 §2.2)",
    { raw: `${["GET / HTTP/1.1", ...USUAL].join("\n")}\n\n` },
  ),
  accepted("empty-line-first", "an empty line before the request (RFC 9112 §2.2)", {
    raw: `\r\n${["GET / HTTP/1.1", ...USUAL].join("\r\n")}\r\n\r\n`,
  }, REFUSED),
];

/** RFC 6455 §4.2.1 and RFC 9112: the request line, and requests that HTTP itself refuses. */
export const handshakeLine: Section = {
  name: "request",
  title: "Opening handshake: request line, HTTP (RFC 6455 §4.2.1, RFC 9112)",
  server: "protocol.echo",
  rows: prefixed("request", [...line, ...http]),
};
