import assert from "node:assert/strict";
import { BINARY, frame, TEXT } from "../harness/clients/raw_client.ts";
import type { Case } from "../fixtures/case.ts";

/** M1–M3: messages, as hooks receive them. */
export const messages: readonly Case[] = [
  {
    id: "M2.own",
    fact: "a hook may transfer the buffer of a message, also of an empty message",
    server: () => ({
      hooks: {
        message(peer, message) {
          const buffer = message.arrayBuffer();
          structuredClone(buffer, { transfer: [buffer] });
          peer.send("given away");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (const size of [0, 0, 3, 5000, 0]) {
        socket.send(new Uint8Array(size));
        assert.equal(await socket.text(), "given away");
      }
    },
  },
  {
    id: "M1.types",
    fact: "type, data and rawData follow the frame: text is a string, binary is a Uint8Array",
    server: (server) => ({
      hooks: {
        message(_, message) {
          const name = (value: unknown) => (value as object).constructor.name;
          server.log(
            "message",
            message.type,
            name(message.rawData),
            name(message.data),
            String(message),
          );
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("é");
      socket.send(new TextEncoder().encode("é"));
      const seen = (await client.logged("message", 2)).map(({ data }) => data);
      assert.deepEqual(seen, [
        ["text", "String", "String", "é"],
        ["binary", "Uint8Array", "Uint8Array", "é"],
      ]);
    },
  },
  {
    id: "M1.views",
    fact: "text(), json(), uint8Array(), arrayBuffer() and blob() read text and binary messages",
    server: (server) => ({
      hooks: {
        async message(peer, message) {
          const blob = await message.blob().text();
          const bytes = [message.uint8Array(), new Uint8Array(message.arrayBuffer())];
          server.log("seen", message.text(), message.json(), blob, ...bytes.map((it) => it.join()));
          server.log("who", message.peer === peer, message.id === message.id, message.id.length);
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      const bytes = new TextEncoder().encode('{"é":1}');
      socket.send('{"é":1}');
      socket.send(bytes);
      for (const { data } of await client.logged("seen", 2)) {
        assert.deepEqual(data, ['{"é":1}', { "é": 1 }, '{"é":1}', bytes.join(), bytes.join()]);
      }
      for (const { data } of await client.logged("who", 2)) {
        assert.deepEqual(data, [true, true, 36]);
      }
    },
  },
  {
    id: "M1.echo",
    fact: "sending rawData or data back keeps the type",
    server: () => ({
      hooks: {
        message(peer, message) {
          peer.send(message.rawData);
          peer.send(message.data);
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("text");
      socket.send(new Uint8Array([0, 255]));
      socket.send("");
      socket.send(new Uint8Array());
      for (const expected of ["text", new Uint8Array([0, 255]), "", new Uint8Array()]) {
        assert.deepEqual([await socket.next(), await socket.next()], [expected, expected]);
      }
    },
  },
  {
    id: "M2.exact",
    fact: "a view holds exactly the bytes of its message, never a part of a shared pool",
    server: (server) => ({
      hooks: {
        message(_, message) {
          const bytes = message.uint8Array();
          server.log(
            "seen",
            bytes.byteLength,
            bytes.byteOffset,
            bytes.buffer.byteLength,
            message.arrayBuffer().byteLength,
          );
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      const sizes = [0, 1, 3, 125, 126, 4096, 65_535, 65_536];
      for (const size of sizes) raw.write(frame(BINARY, new Uint8Array(size)));
      const seen = (await client.logged("seen", sizes.length)).map(({ data }) => data);
      assert.deepEqual(seen, sizes.map((size) => [size, 0, size, size]));
    },
  },
  {
    id: "M2.kept",
    fact: "a message stays valid after an await while other messages arrive",
    server: (server) => ({
      hooks: {
        async message(_, message) {
          await new Promise((resolve) => setTimeout(resolve, 60));
          const bytes = message.uint8Array();
          server.log(
            "kept",
            bytes.length,
            bytes.every((byte) => byte === bytes[0]),
            bytes[0] ?? null,
          );
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      for (let i = 0; i < 100; i++) {
        raw.write(frame(BINARY, new Uint8Array(1 + i * 37 % 500).fill(i)));
      }
      const kept = (await client.logged("kept", 100)).map(({ data }) => data);
      assert.deepEqual(kept, Array.from({ length: 100 }, (_, i) => [1 + i * 37 % 500, true, i]));
    },
  },
  {
    id: "M2.fragments",
    fact: "a fragmented message with a ping in between starts one message hook",
    server: (server) => ({
      hooks: { message: (_, message) => server.log("message", message.text()) },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "a", { fin: false }));
      raw.write(frame(9, "ping between"));
      raw.write(frame(0, "b", { fin: false }));
      raw.write(frame(0, "c"));
      assert.deepEqual((await client.logged("message"))[0]!.data, ["abc"]);
    },
  },
  {
    id: "M3.json",
    fact:
      "json() on invalid JSON throws a SyntaxError that names the peer and the size, never the content",
    server: (server) => ({
      hooks: {
        message(peer, message) {
          try {
            message.json();
          } catch (error) {
            const { name, message: text, cause } = error as Error;
            server.log("error", name, text, cause ?? null, peer.id);
          }
        },
      },
    }),
    async run(client) {
      (await client.connect()).send("my password is é");
      const [name, text, cause, id] = (await client.logged("error"))[0]!.data;
      assert.deepEqual([name, cause], ["SyntaxError", null]);
      assert.equal(text, `Cannot parse the message of peer ${id} as JSON: it has 17 bytes`);
    },
  },
];
