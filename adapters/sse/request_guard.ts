import { type Awaitable, chain } from "../../endpoint/hooks.ts";
import { requestOf } from "../../endpoint/pending_upgrade.ts";
import type { Upgrader } from "../../endpoint/upgrader.ts";
import { admitsOrigin } from "../../handshake/allowed_origins.ts";
import type { Peer } from "../../peer.ts";
import { REFUSALS, type SSERefusal } from "./answer.ts";
import type { SSESession } from "./session.ts";
import { webHandshake } from "./web_handshake.ts";

/**
 * Checks requests with a valid token: they must also come from the origin of the client's page, and
 * pass the option `authorize`.
 */
export class RequestGuard {
  readonly #upgrader: Upgrader;
  readonly #authorize: ((request: Request, peer: Peer) => Awaitable<boolean>) | undefined;
  #hasReported = false;

  constructor(
    upgrader: Upgrader,
    authorize: ((request: Request, peer: Peer) => Awaitable<boolean>) | undefined,
  ) {
    this.#upgrader = upgrader;
    this.#authorize = authorize;
  }

  /** Returns the refusal of a request, or `undefined` if the request is admitted. */
  refusal(session: SSESession, request: Request): Awaitable<SSERefusal | undefined> {
    const origin = request.headers.get("origin");
    if (origin !== session.origin && !this.#isOwn(origin, session, request)) {
      return REFUSALS.origin;
    }
    if (!this.#authorize) return undefined;
    const judge = (answer: unknown) => answer === true ? undefined : REFUSALS.unauthorized;
    return chain(this.#authorize(request, session.peer), judge);
  }

  /**
   * Whether a request comes from the page that opened the session without an `Origin` header. A browser
   * sends no `Origin` with a GET to the page's own server, but sends one with every POST.
   */
  #isOwn(origin: string | null, session: SSESession, request: Request): boolean {
    if (session.origin !== null || origin === null) return false;
    if (isSameHost(origin, session)) return true;
    const handshake = webHandshake(request);
    const { allowedOrigins, trustedHops } = session.settings;
    const toRequest = () => requestOf(handshake, trustedHops);
    if (admitsOrigin(allowedOrigins, origin, toRequest)) return true;
    if (!this.#hasReported) {
      this.#hasReported = true;
      const admit = `allowedOrigins: [${JSON.stringify(origin)}]`;
      const message =
        `A request of the origin ${origin} was refused, because its session has the host ${session.host}. If a proxy replaces \`Host\`, let it pass \`Host\` on, set \`trustProxy\`, or use \`${admit}\`, in the adapter or in the hooks. Further refusals are not reported`;
      this.#upgrader.report(new Error(message), "origin", handshake, session.settings);
    }
    return false;
  }
}

/** Whether `origin` has the host by which the client reached the server. */
function isSameHost(origin: string, session: SSESession): boolean {
  session.host ??= new URL(session.peer.request.url).host;
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  // If nginx sends `Host: $host:$server_port`, the host has a ":443" that browsers leave out.
  return URL.canParse(`${protocol}//${session.host}`) &&
    new URL(`${protocol}//${session.host}`).host === host;
}
