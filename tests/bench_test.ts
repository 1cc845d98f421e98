import assert from "node:assert/strict";
import { cellOf } from "../bench/cells.ts";
import { durableScenarios } from "../bench/durable/scenarios.ts";
import { runInTurn } from "../bench/durable/trials.ts";
import { compileLoadGenerator, hasCompiler, load, type Window } from "../bench/load_generator.ts";
import type { Result } from "../bench/results.ts";
import type { Scenario } from "../bench/scenario.ts";
import { median, medianEstimate } from "../bench/statistics.ts";
import { durableObjects } from "./runtimes/durable.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";

Deno.test("median() returns the middle value, or the mean of the two middle values", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.throws(() => median([]), RangeError);
});

Deno.test("medianEstimate() takes its interval from the ranks of the binomial distribution", () => {
  // From tables of the sign test at 5 %: number of values outside the interval at each end.
  const table: [count: number, outside: number][] = [
    [1, 0],
    [5, 0],
    [6, 0],
    [9, 1],
    [12, 2],
    [15, 3],
    [20, 5],
    [25, 7],
    [50, 17],
  ];
  for (const [count, outside] of table) {
    const values = Array.from({ length: count }, (_, index) => (index * 7) % count);
    const { low, high } = medianEstimate(count % 7 ? values : values.map((_, index) => index));
    assert.deepEqual([low, high], [outside, count - 1 - outside], `${count} values`);
  }
});

Deno.test("A benchmark cell is met if its interval reaches the target", () => {
  const table: [ratios: number[], target: number, isMet: boolean][] = [
    [[1, 1, 1, 1, 1, 1], 1, true],
    [[0.9, 0.9, 0.9, 0.9, 0.9, 0.99], 1, false],
    [[0.9, 0.9, 0.9, 0.9, 0.9, 1.01], 1, true],
    [[2, 2, 2, 2, 2, 2], 3, false],
  ];
  for (const [ratios, value, isMet] of table) {
    const scenario: Scenario = {
      name: "echo",
      title: "",
      toolkits: [],
      versus: "bare",
      goal: "ratio",
      targets: { node: { value } },
    };
    // `bare` uses `ratio` seconds of CPU for twice the messages.
    const lines = ratios.flatMap((ratio, index) => [
      windowOf("onepeer", index + 1, 0.5, 1000),
      windowOf("bare", index + 1, ratio, 2000),
    ]);
    const result: Result = { scenario: "echo", runtime: "node", date: "", seconds: 0, lines };
    const cell = cellOf(scenario, result);
    assert.equal(cell.isMet, isMet, `ratios ${ratios}, target ${value}`);
    assert.ok(Math.abs(cell.estimate.value - median(ratios)) < 1e-9, `${cell.estimate.value}`);
  }
});

Deno.test("A Durable Object's wake is compared with the bare wake of the same round", () => {
  const scenario = durableScenarios.find(({ name }) => name === "durable-wake")!;
  const rest = { scenario: "wake", wall: 1, cpu: 0, ownCpu: 0, machineCpu: 0 } as const;
  const lines = [1, 2, 3].flatMap((round) => [
    { ...rest, round, name: "bare", value: round * 10 } as const,
    { ...rest, round, name: "onepeer", value: round * 11 } as const,
  ]);
  const result: Result = { scenario: "", runtime: "durable", date: "", seconds: 0, lines };
  const { estimate, isMet } = cellOf(scenario, result);
  assert.deepEqual([estimate.value, estimate.low, estimate.high, isMet], [2, 1, 3, true]);
});

const workerd = await durableObjects.command();

for (const scenario of durableScenarios) {
  if (!scenario.trials) continue;
  const trials = { ...scenario.trials, rounds: 2, warmup: 0 };
  Deno.test({
    name: `The bench measures ${scenario.name} on workerd`,
    ignore: "missing" in workerd,
    async fn() {
      const names = scenario.toolkits.filter((name) => name !== "crossws"); // crossws is optional
      const found = await runInTurn(trials, names);
      const rounds = found.map(({ name, round }) => `${name} ${round}`);
      assert.deepEqual(
        rounds.sort(),
        names.flatMap((name) => [`${name} 1`, `${name} 2`]).sort(),
      );
      for (const { value, name } of found) assert.ok(Number.isFinite(value), `${name}: ${value}`);
    },
  });
}

function windowOf(name: string, round: number, cpu: number, messages: number) {
  const rest = { wall: 1, ownCpu: 0, machineCpu: 0 };
  return { scenario: "echo", name, round, cpu, messages, ...rest } as const;
}

const canLoad = Deno.build.os === "linux" && await hasCompiler();
if (!canLoad) console.error("NOT RUN: needs Linux and cc: tests of the load generator");
let generator = "";

Deno.test.beforeAll(async () => {
  if (canLoad) generator = await compileLoadGenerator();
});

/** Registers a test of the load generator. */
function generatorTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `The load generator ${name}`, ignore: !canLoad, fn });
}

/** Runs the load generator against a server in this process. */
async function loadOwnServer(
  args: readonly string[],
  serve: (socket: WebSocket, topic: string | null) => void,
): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    serve(socket, new URL(request.url).searchParams.get("topic"));
    return response;
  });
  await load(generator, [...args, `here:${server.addr.port}:${Deno.pid}`]);
}

const ROOM = ["publish", "--subscribers=6", "--topics=2", "--rounds=2", "--window=50"];
const ECHO = ["echo", "--connections=3", "--rounds=2", "--window=50", "--size=300"];

for (const args of [ECHO, [...ROOM, "--times=3"]]) {
  generatorTest(`measures ${args[0]} on a server of the bench folder`, async () => {
    const program = new URL("../bench/servers/bare/deno.ts", import.meta.url).pathname;
    await using server = await ServerProcess.start(
      [Deno.execPath(), "run", "-A", "--no-check", program, args[0]!],
    );
    const lines = await load(generator, [...args, `bare:${server.port}:${server.pid}`]);
    assert.deepEqual(lines.map((it) => (it as Window).round), [1, 2]);
    for (const { messages, cpu, wall } of lines as Window[]) {
      assert.ok(messages > 20, `only ${messages} messages`);
      assert.ok(cpu > 0 && wall >= 0.05, `${cpu} s of CPU in ${wall} s`);
    }
  });
}

const POSTS = ["posts", "--connections=3", "--rounds=2", "--window=50"];
const EVENTS = ["publish", "--subscribers=6", "--rounds=2", "--window=50"];

for (const args of [EVENTS, POSTS]) {
  generatorTest(`measures ${args[0]} over server-sent events`, async () => {
    const program = new URL("../bench/servers/sse/deno.ts", import.meta.url).pathname;
    for (const toolkit of ["bare", "onepeer"]) {
      await using server = await ServerProcess.start(
        [Deno.execPath(), "run", "-A", "--no-check", program, "sse", toolkit],
      );
      const lines = await load(generator, [...args, `${toolkit}:${server.port}:${server.pid}:sse`]);
      for (const { messages } of lines as Window[]) assert.ok(messages > 20, `only ${messages}`);
    }
  });
}

generatorTest("fails if an event has the wrong text", async () => {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  const streams = new Set<ReadableStreamDefaultController<string>>();
  async function answer(request: Request): Promise<Response> {
    let left: () => void;
    const text = (await request.text()).replace("e", "E");
    for (const stream of text ? streams : []) stream.enqueue(`data: ${text}\n\n`);
    if (text) return new Response();
    const body = new ReadableStream<string>({
      start(controller) {
        controller.enqueue(":\n\n");
        streams.add(controller);
        left = () => streams.delete(controller);
      },
      cancel: () => left(),
    });
    const headers = { "content-type": "text/event-stream" };
    return new Response(body.pipeThrough(new TextEncoderStream()), { headers });
  }
  const run = load(generator, [
    ...EVENTS,
    "--timeout=2000",
    `here:${server.addr.port}:${Deno.pid}:sse`,
  ]);
  await assert.rejects(run, /got 0 messages instead of 1/);
  for (const stream of streams) stream.close();
});

/** Servers with one fault each, and the error that the load generator reports. */
const FAULTY: Record<string, [args: string[], error: RegExp, on: (socket: WebSocket) => void]> = {
  "sends other bytes back": [ECHO, /here sent wrong bytes/, (socket) => {
    socket.onmessage = ({ data }) => socket.send(data.replace("e", "E"));
  }],
  "loses an echo": [ECHO, /here: [1-3] messages lost/, (socket) => {
    let count = 0;
    socket.onmessage = ({ data }) => ++count !== 9 && socket.send(data);
  }],
  "sends an echo twice": [ECHO, /[1-9]\d* frames wrong/, (socket) => {
    let count = 0;
    socket.onmessage = ({ data }) => {
      socket.send(data);
      if (++count === 9) socket.send(data);
    };
  }],
  "closes a connection": [ECHO, /[1-3] connections closed/, (socket) => {
    let count = 0;
    socket.onmessage = ({ data }) => ++count < 9 ? socket.send(data) : socket.close(1001);
  }],
};

for (const [fault, [args, error, on]] of Object.entries(FAULTY)) {
  generatorTest(`fails if a server ${fault}`, async () => {
    await assert.rejects(loadOwnServer([...args, "--timeout=300"], on), error);
  });
}

generatorTest("fails if a publish does not reach every subscriber", async () => {
  const sockets: (readonly [WebSocket, topic: string | null])[] = [];
  const run = loadOwnServer([...ROOM, "--timeout=300"], (socket, topic) => {
    sockets.push([socket, sockets.length === 3 ? null : topic]); // the fourth has no topic
    socket.onmessage = ({ data }) => {
      for (const [it, topic] of sockets) if (topic === data.slice(1, 6)) it.send(data);
    };
  });
  await assert.rejects(run, /subscriber 3 got 0 messages instead of 1/);
});

generatorTest("reads frames split at any byte, and fragments around a ping", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = answerInPieces(listener);
  const { port } = listener.addr;
  const args = ["echo", "--connections=1", "--size=300", "--rounds=1", "--warmup=0", "--window=20"];
  const [line] = await load(generator, [...args, `here:${port}:${Deno.pid}`]) as Window[];
  const { echoes, pongs } = await answering;
  assert.equal(echoes, line!.messages + 1); // the load generator compares one more byte by byte
  assert.equal(pongs, echoes - 1);
});

/** Echoes to one client: the first message whole, all others in two fragments around a ping. */
async function answerInPieces(
  listener: Deno.TcpListener,
): Promise<{ echoes: number; pongs: number }> {
  using tcp = await listener.accept();
  tcp.setNoDelay();
  await tcp.read(new Uint8Array(2048)); // the upgrade request
  const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; // for the key in RFC 6455 §1.3
  await tcp.write(
    new TextEncoder().encode(
      `HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    ),
  );
  let echoes = 0, pongs = 0, rest: number[] = [];
  const chunk = new Uint8Array(4096);
  for (let size = await tcp.read(chunk); size !== null; size = await tcp.read(chunk)) {
    rest.push(...chunk.subarray(0, size));
    for (let frame = takeFrame(rest); frame; frame = takeFrame(rest)) {
      rest = rest.slice(frame.length);
      if (frame.opcode === 10) pongs++;
      else {
        const bytes = echoes === 0 ? whole(frame.payload) : fragments(frame.payload);
        const step = echoes === 0 ? bytes.length : 1 + echoes % 101;
        echoes++;
        for (let at = 0; at < bytes.length; at += step) {
          await tcp.write(new Uint8Array(bytes.slice(at, at + step)));
        }
      }
    }
  }
  return { echoes, pongs };
}

function whole(payload: readonly number[]): number[] {
  return [0x81, 126, payload.length >> 8, payload.length & 255, ...payload];
}

function fragments(payload: readonly number[]): number[] {
  const first = payload.slice(0, 100), last = payload.slice(100);
  const ping = [0x89, 2, 104, 105];
  return [0x01, 100, ...first, ...ping, 0x80, 126, last.length >> 8, last.length & 255, ...last];
}

/** Returns the first masked frame of a stream, or undefined if the frame is incomplete. */
function takeFrame(bytes: readonly number[]) {
  const [first = 0, second = 0] = bytes;
  const short = second & 127;
  const header = short < 126 ? 2 : 4;
  const size = short < 126 ? short : bytes[2]! << 8 | bytes[3]!;
  const length = header + 4 + size;
  if (bytes.length < Math.max(length, 4)) return undefined;
  const mask = bytes.slice(header, header + 4);
  const payload = bytes.slice(header + 4, length).map((byte, index) => byte ^ mask[index % 4]!);
  return { opcode: first & 15, payload, length };
}
