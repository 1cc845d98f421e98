/** Types of `peer.context`. `deno check` checks this file; no test runs it. */
import adapterDeno from "../../adapters/deno.ts";
import adapterNode from "../../adapters/node.ts";
import {
  type AnyContext,
  type CloseInfo,
  createEndpoint,
  defineHooks,
  type HookError,
  type Hooks,
  type Peer,
} from "../../mod.ts";
import { serve as serveDeno } from "../../server/deno.ts";
import { serve as serveNode } from "../../server/node.ts";

/** Compiles only if both types are the same. */
function same<A, B>(_: [A] extends [B] ? [B] extends [A] ? true : false : false): void {}

// --- defineHooks ---

const sync = defineHooks({
  upgrade: () => ({ context: { user: "ada", level: 1 } }),
  open(peer) {
    same<typeof peer.context, { user: string; level: number }>(true);
    // @ts-expect-error the context has no such property
    void peer.context.email;
    // @ts-expect-error a string is not a number
    const wrong: number = peer.context.user;
    void wrong;
  },
  message(peer, message) {
    same<typeof peer.context.user, string>(true);
    same<typeof message.peer.context.level, number>(true);
  },
  drain: (peer) => same<typeof peer.context.level, number>(true),
  close(peer, info) {
    same<typeof peer.context.user, string>(true);
    same<typeof info, CloseInfo>(true);
  },
  error(peer, error) {
    same<typeof peer.context.user, string>(true);
    same<typeof error, HookError>(true);
  },
});

const asynchronous = defineHooks({
  async upgrade() {
    await Promise.resolve();
    return { context: { user: "ada" } };
  },
  open(peer) {
    same<typeof peer.context, { user: string }>(true);
    // @ts-expect-error the context has no such property
    void peer.context.email;
  },
});

const rejecting = defineHooks({
  upgrade(request) {
    if (!request.headers.has("cookie")) return new Response("who are you?", { status: 401 });
    return { context: { user: "ada" } };
  },
  open(peer) {
    same<typeof peer.context, { user: string }>(true);
    // @ts-expect-error the context has no such property
    void peer.context.email;
  },
});

const rejectingAsync = defineHooks({
  async upgrade(request) {
    await Promise.resolve();
    if (request.method !== "GET") throw new Response(null, { status: 405 });
    if (!request.headers.has("cookie")) return new Response(null, { status: 401 });
    return { context: { user: "ada" }, headers: { "x-a": "1" }, protocol: "chat" };
  },
  open(peer) {
    same<typeof peer.context, { user: string }>(true);
    // @ts-expect-error the context has no such property
    void peer.context.email;
  },
});

defineHooks({
  upgrade(request) {
    if (request.headers.has("cookie")) return { context: { user: "ada" } };
  },
  open(peer) {
    same<typeof peer.context.user, string>(true);
    // @ts-expect-error the context has no such property
    void peer.context.email;
  },
});

defineHooks({
  upgrade: () => ({ headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] }),
  open: (peer) => same<typeof peer.context, AnyContext>(true),
});

defineHooks({
  open(peer) {
    same<typeof peer.context, AnyContext>(true);
    same<typeof peer.context.anything, unknown>(true);
  },
});

const explicit = defineHooks<{ room: number }>({
  upgrade: () => ({ context: { room: 5 } }),
  open(peer) {
    same<typeof peer.context, { room: number }>(true);
    // @ts-expect-error the context has no such property
    void peer.context.user;
  },
});

defineHooks<{ room: number }>({
  // @ts-expect-error the context does not have the declared type
  upgrade: () => ({ context: { room: "five" } }),
});

interface Session {
  user: string;
  admin?: boolean;
}

defineHooks<Session>({
  upgrade: () => ({ context: { user: "ada" } }),
  open: (peer) => same<typeof peer.context.admin, boolean | undefined>(true),
});

// @ts-expect-error there is no such hook
defineHooks({ connection() {} });

// --- options of hooks ---

defineHooks({
  limits: { maxPayload: 2 ** 21, overflow: "drop" },
  allowedOrigins: ["https://a.example", /^https:\/\/b\.example$/],
  trustProxy: 1,
  upgrade: () => ({ context: { user: "ada" } }),
  open: (peer) => same<typeof peer.context, { user: string }>(true),
});

adapterDeno({
  hooks: { limits: { idleTimeout: 0 } },
  resolve: (request) => request.url.endsWith("/admin") ? { trustProxy: true } : undefined,
});

// @ts-expect-error this limit counts all peers, so it belongs to the adapter
defineHooks({ limits: { maxPeers: 5 } });

// @ts-expect-error there is no such limit
defineHooks({ limits: { maxpayload: 5 } });

// @ts-expect-error not a boolean or number
defineHooks({ trustProxy: "yes" });

// --- adapters ---

adapterDeno({
  hooks: {
    upgrade: () => ({ context: { user: "ada" } }),
    open(peer) {
      same<typeof peer.context, { user: string }>(true);
      // @ts-expect-error the context has no such property
      void peer.context.email;
    },
  },
});

adapterNode({
  perMessageDeflate: true,
  hooks: {
    async upgrade() {
      await Promise.resolve();
      return { context: { user: "ada" } };
    },
    open(peer) {
      same<typeof peer.context, { user: string }>(true);
      // @ts-expect-error the context has no such property
      void peer.context.email;
    },
  },
});

createEndpoint({
  hooks: {
    upgrade: () => ({ context: { user: "ada" } }),
    open: (peer) => same<typeof peer.context, { user: string }>(true),
  },
});

// Hooks from `defineHooks` with any context fit each adapter.
adapterDeno({ hooks: sync });
adapterNode({ hooks: sync });
createEndpoint({ hooks: sync });
adapterDeno({ hooks: asynchronous });
adapterNode({ hooks: rejecting });
createEndpoint({ hooks: rejectingAsync });
adapterDeno({ hooks: explicit, resolve: () => explicit });
adapterNode({ resolve: () => Promise.resolve(explicit) });
adapterNode({ resolve: () => undefined });

// --- serve ---

serveDeno({
  websocket: {
    upgrade: () => ({ context: { user: "ada" } }),
    open(peer) {
      same<typeof peer.context, { user: string }>(true);
      // @ts-expect-error the context has no such property
      void peer.context.email;
    },
  },
});

serveNode({
  websocket: {
    async upgrade() {
      await Promise.resolve();
      return { context: { user: "ada" } };
    },
    message(peer, message) {
      same<typeof peer.context, { user: string }>(true);
      same<typeof message.peer.context, { user: string }>(true);
      // @ts-expect-error the context has no such property
      void peer.context.email;
    },
  },
});

serveDeno({ websocket: { hooks: sync } });
serveNode({ websocket: sync });
serveNode({ websocket: { ...explicit, limits: { maxPeers: 5 }, trustProxy: 1 } });

// --- a peer with a declared context ---

function greet(peer: Peer<{ user: string }>): void {
  peer.send(`hello ${peer.context.user}`);
}

defineHooks({ upgrade: () => ({ context: { user: "ada" } }), open: greet });

export const annotated: Partial<Hooks<{ user: string }>> = { open: greet, close: greet };
