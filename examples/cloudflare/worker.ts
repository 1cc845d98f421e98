// Run `npx wrangler dev` in this directory, on Node 22 or newer.
import { DurableObject } from "cloudflare:workers";
import adapter, { type CloudflareRequestRuntime } from "../../adapters/cloudflare.ts";
import icon from "../chat/client/icon.svg";
import page from "../chat/client/index.html";
import style from "../chat/client/style.css";
import { answer } from "../chat/pages.ts";
import { roomOptions } from "../chat/topics.ts";
import { durableChat } from "./durable_chat.ts";
import main from "./client/main.txt"; // wrangler.jsonc builds these two files
import theme from "./client/theme.txt";

const assets = new Map(Object.entries({
  // This worker does not serve SSE, so the page must not offer SSE.
  "index.html": page.replace('id="no-websocket"', 'id="no-websocket" disabled'),
  "style.css": style,
  "icon.svg": icon,
  "main.js": main,
  "theme.js": theme,
}));

/** The chat of each object, by its `ctx`. A new instance of an object has a new `ctx`. */
const chats = new WeakMap<object, ReturnType<typeof durableChat>>();

const ws = adapter({
  bindingName: "Chat",
  resolve(request) {
    const { cloudflare } = request.runtime as CloudflareRequestRuntime;
    return chats.get(cloudflare.ctx);
  },
  ...roomOptions,
  limits: { maxPayload: 16 * 1024, maxBuffered: 1024 * 1024, maxPeers: 500, messagesPerSecond: 20 },
});

export class Chat extends ws.durable(DurableObject) {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    chats.set(ctx, durableChat(() => ws.room(this)));
  }
}

// One object serves all rooms, because the page lists all rooms. So `instance` is not set.
export default ws.worker({ fetch: (request) => answer(request, assets) });
