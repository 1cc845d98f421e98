import { CLOSE, frame, PING, PONG } from "../harness/clients/raw_client.ts";
import {
  close,
  echoes,
  fails,
  LONG_WINDED,
  type Row,
  type Section,
  text,
  utf8,
  whole,
} from "./row.ts";

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 255 - i);
}

const sizes: Row[] = [0, 1, 2, 124, 125].map((length) =>
  echoes(
    `control.ping-${length}`,
    `the pong has the ${length} bytes of its ping`,
    [frame(PING, bytes(length))],
    [],
    { pongs: [bytes(length)] },
  )
);

const pings = Array.from({ length: 10 }, (_, i) => utf8(`ping ${i}`));
const alive: Row[] = [
  echoes(
    "control.pings",
    "the server answers ten pings with ten pongs in order",
    pings.map((it) => frame(PING, it)),
    [],
    {
      pongs: pings,
      nonStrict: [{
        pongs: pings.slice(-1),
        ends: [1000],
        why: "The server answers only the latest of many pings (RFC 6455 §5.5.3)",
      }],
    },
  ),
  echoes(
    "control.pings-and-texts",
    "the server answers pings and texts that alternate",
    pings.flatMap((it) => [frame(PING, it), whole(text("said"))]),
    pings.map(() => text("said")),
    { pongs: pings },
  ),
  ...[["empty", ""], ["short", "unasked"], ["full", "x".repeat(125)]].map(([name, data]) =>
    echoes(
      `control.pong-${name}`,
      `the server ignores an unsolicited pong: ${name}`,
      [frame(PONG, data!), whole(text("a")), frame(PONG, data!)],
      [text("a")],
    )
  ),
];

const KINDS = [["ping", PING], ["pong", PONG], ["close", CLOSE]] as const;
const refused: Row[] = KINDS.flatMap(([kind, opcode]) => {
  const payload = opcode === CLOSE ? Uint8Array.of(3, 232) : utf8("x");
  const long = Uint8Array.from([...payload, ...utf8("x".repeat(126 - payload.byteLength))]);
  return [
    fails(
      `control.${kind}-126`,
      `a ${kind} of 126 bytes is refused`,
      [frame(opcode, long)],
      1002,
    ),
    fails(
      `control.${kind}-126-head`,
      `a ${kind} of 126 bytes is refused once its head arrives`,
      [frame(opcode, "", { length: 126 })],
      1002,
    ),
    fails(
      `control.${kind}-65536-head`,
      `a ${kind} of 65536 bytes is refused once its head arrives`,
      [frame(opcode, "", { length: 65536 })],
      1002,
    ),
    fails(
      `control.${kind}-long-winded`,
      `a ${kind} with its length in two more bytes is refused`,
      [frame(opcode, payload, { lengthBytes: 2 }), close(1000)],
      1002,
      {
        nonStrict: [{
          ends: [1000],
          pongs: opcode === PING ? [payload] : [],
          why: LONG_WINDED,
        }],
      },
    ),
    fails(
      `control.${kind}-fragmented`,
      `a ${kind} without FIN is refused`,
      [frame(opcode, payload, { fin: false }), frame(0, "")],
      1002,
    ),
    fails(
      `control.${kind}-empty-fragmented`,
      `an empty ${kind} without FIN is refused`,
      [frame(opcode, "", { fin: false })],
      1002,
    ),
  ];
});

/** RFC 6455 §5.5. */
export const controlFrames: Section = {
  name: "control",
  title: "Control frames (RFC 6455 §5.5)",
  server: "protocol.echo",
  rows: [
    ...sizes,
    ...alive,
    ...refused,
    {
      id: "control.ping-after-close",
      fact: "the server does not answer a ping after a Close frame",
      sends: [close(1000), frame(PING, "late")],
      strict: { ends: [1000] },
    },
  ],
};
