import { programCommand, WORKERD_DATE } from "./workerd.ts";

/** Folder of the example for Cloudflare. */
export const EXAMPLE: URL = new URL("../../../examples/cloudflare/", import.meta.url);

const LIBRARY = new URL("../../../adapters/cloudflare.ts", import.meta.url).pathname;

/** Worker with the unchanged example, and additional paths for tests. */
const PROGRAM = `
  import { DurableObject } from "cloudflare:workers";
  import unsafe from "workerd:unsafe";
  import example, { Chat } from "${EXAMPLE.pathname}worker.ts";
  import adapter from "${LIBRARY}";
  export { Chat as Room };
  const unbound = adapter();
  export default {
    async fetch(request, env, ctx) {
      const { pathname } = new URL(request.url);
      const chat = env.Room.get(env.Room.idFromName("onepeer"));
      if (pathname === "/evict") {
        await unsafe.evict(chat);
        return new Response();
      }
      if (pathname === "/publish") {
        return Response.json(await chat.webSocketPublish(...await request.json()));
      }
      if (pathname !== "/nobody") return await example.fetch(request, { Chat: env.Room }, ctx);
      const said = [], { error } = console;
      console.error = (...words) => said.push(...words);
      const { status } = await unbound.worker({ binding: "Nobody" }).fetch(request, env, ctx);
      console.error = error;
      return new Response(said.join(" "), { status });
    },
  };`;

/** Runs the command with which wrangler builds the page. */
export async function buildExample(): Promise<void> {
  const { build } = JSON.parse(await Deno.readTextFile(new URL("wrangler.jsonc", EXAMPLE)));
  const [program, ...args] = build.command.split(" ");
  const { success, stderr } = await new Deno.Command(program, { args, cwd: EXAMPLE }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/**
 * Returns the command that runs the example on workerd; `undefined` if workerd does not support
 * this machine.
 */
export async function exampleCommand(): Promise<readonly string[] | undefined> {
  await buildExample();
  return await programCommand("example", PROGRAM, { date: WORKERD_DATE });
}
