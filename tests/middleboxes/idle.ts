import assert from "node:assert/strict";
import { Middlebox, type MiddleboxName } from "../harness/processes/middlebox.ts";
import { documented, NGINX_UPGRADES, plain } from "./configurations.ts";
import {
  assertEchoes,
  type Fact,
  greeting,
  opened,
  PING_MS,
  portOf,
  requests,
  type Scene,
  until,
  within,
} from "./scene.ts";

/** Milliseconds of silence that proxies allow: a 20th of the documented times, and of the defaults. */
const SILENCE_MS = { documented: 3000, nginx: 3000, HAProxy: 2500 };

/** Time limits of a proxy, from the documentation or by default. */
type Kind = "documented" | "default";

/** Starts proxies: before the server that pings, and before the server that is silent. */
async function start(kind: Kind, { name, server, certificate }: Scene) {
  const silence = SILENCE_MS[kind === "default" ? name : kind];
  const configuration = async (port: number) =>
    kind === "documented"
      ? await documented(name, port, { certificate, silence })
      : shortened(name, port, silence);
  const pinging = await Middlebox.start(name, await configuration(server.port));
  const silent = await Middlebox.start(name, await configuration(portOf(server, "SILENT")));
  return {
    silence,
    pinging,
    silent,
    options: kind === "documented" ? { ca: certificate.cert } : {},
    async [Symbol.asyncDispose]() {
      for (const proxy of [pinging, silent]) await proxy[Symbol.asyncDispose]();
    },
  };
}

/** A plain configuration whose limits have the proportions of the defaults. */
function shortened(name: MiddleboxName, port: number, silence: number) {
  if (name === "HAProxy") {
    const front = [`timeout client ${silence}`], back = [`timeout server ${silence}`];
    return plain(name, port, { front, back });
  }
  return plain(name, port, { back: [...NGINX_UPGRADES, `proxy_read_timeout ${silence}ms;`] });
}

function factsOf(kind: Kind): Fact[] {
  const limits = kind === "documented" ? "the documented limits" : "the default limits";
  return [
    {
      fact: `with ${limits}, pings keep an idle WebSocket open, which is cut without pings`,
      waits: true,
      async run(scene) {
        await using proxies = await start(kind, scene);
        const { silence, options } = proxies, { server, path } = scene;
        const began = performance.now();
        const silent = await opened(proxies.silent, path, options);
        const kept = await opened(proxies.pinging, path, options);
        const { code } = await within(silent.closed, "the cut");
        assert.equal(code, 1006);
        const lasted = performance.now() - began;
        assert.ok(lasted > silence / 2, `ended after ${lasted} ms, by another cause`);
        await until(() => server.output.includes(`CLOSED ${path} 1006\n`), "the close hook");
        // The other connection must outlive the limit twice.
        await until(
          () => kept.pings * PING_MS > 2 * silence || kept.socket.readyState !== kept.socket.OPEN,
          "pings",
        );
        assert.equal(kept.socket.readyState, kept.socket.OPEN, `${kept.pings} pings`);
        await greeting(kept);
        await assertEchoes(kept);
      },
    },
    {
      fact:
        `with ${limits}, heartbeats keep a silent event stream open, which is cut without heartbeats`,
      waits: true,
      async run(scene) {
        await using proxies = await start(kind, scene);
        const { server, path } = scene, { options } = proxies;
        const silent = await opened(proxies.silent, `${path}/silent`, options, "sse");
        const kept = await opened(proxies.pinging, `${path}/kept`, options, "sse");
        // After each cut, the client resumes with a further request.
        await until(() => requests(server, `${path}/silent`) === 3, "two cuts");
        assert.equal(requests(server, `${path}/kept`), 1, "responses with heartbeats");
        for (const socket of [silent, kept]) {
          await greeting(socket);
          await assertEchoes(socket);
        }
      },
    },
  ];
}

/** Facts about connections that are idle for longer than a proxy allows. */
export const idleFacts: readonly Fact[] = [...factsOf("documented"), ...factsOf("default")];
