import assert from "node:assert/strict";
import { BINARY, frame, TEXT } from "../harness/clients/raw_client.ts";
import type { Case } from "../fixtures/case.ts";

/** M1–M3: what hooks get. */
export const messages: readonly Case[] = [
  {
    id: "M2.own",
    fact: "the buffer of a message may be given away, an empty one's too",
    site: () => ({
      hooks: {
        message(peer, message) {
          const buffer = message.arrayBuffer();
          structuredClone(buffer, { transfer: [buffer] });
          peer.send("given away");
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      for (const size of [0, 0, 3, 5000, 0]) {
        client.send(new Uint8Array(size));
        assert.equal(await client.text(), "given away");
      }
    },
  },
  {
    id: "M1.types",
    fact: "type, data and rawData come from the frame: text is a string, binary bytes",
    site: (s) => ({
      hooks: {
        message(_, message) {
          const name = (value: unknown) => (value as object).constructor.name;
          s.log(
            "message",
            message.type,
            name(message.rawData),
            name(message.data),
            String(message),
          );
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.send("é");
      client.send(new TextEncoder().encode("é"));
      const seen = (await t.logged("message", 2)).map(({ data }) => data);
      assert.deepEqual(seen, [
        ["text", "String", "String", "é"],
        ["binary", "Uint8Array", "Uint8Array", "é"],
      ]);
    },
  },
  {
    id: "M1.views",
    fact: "text(), json(), uint8Array(), arrayBuffer() and blob() read either type",
    site: (s) => ({
      hooks: {
        async message(peer, message) {
          const blob = await message.blob().text();
          const bytes = [message.uint8Array(), new Uint8Array(message.arrayBuffer())];
          s.log("seen", message.text(), message.json(), blob, ...bytes.map((it) => it.join()));
          s.log("who", message.peer === peer, message.id === message.id, message.id.length);
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      const bytes = new TextEncoder().encode('{"é":1}');
      client.send('{"é":1}');
      client.send(bytes);
      for (const { data } of await t.logged("seen", 2)) {
        assert.deepEqual(data, ['{"é":1}', { "é": 1 }, '{"é":1}', bytes.join(), bytes.join()]);
      }
      for (const { data } of await t.logged("who", 2)) assert.deepEqual(data, [true, true, 36]);
    },
  },
  {
    id: "M1.echo",
    fact: "echoing rawData or data keeps the type",
    site: () => ({
      hooks: {
        message(peer, message) {
          peer.send(message.rawData);
          peer.send(message.data);
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.send("text");
      client.send(new Uint8Array([0, 255]));
      client.send("");
      client.send(new Uint8Array());
      for (const expected of ["text", new Uint8Array([0, 255]), "", new Uint8Array()]) {
        assert.deepEqual([await client.next(), await client.next()], [expected, expected]);
      }
    },
  },
  {
    id: "M2.exact",
    fact: "a view holds exactly the message's bytes, never a part of a shared pool",
    site: (s) => ({
      hooks: {
        message(_, message) {
          const bytes = message.uint8Array();
          s.log(
            "seen",
            bytes.byteLength,
            bytes.byteOffset,
            bytes.buffer.byteLength,
            message.arrayBuffer().byteLength,
          );
        },
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      const sizes = [0, 1, 3, 125, 126, 4096, 65_535, 65_536];
      for (const size of sizes) client.write(frame(BINARY, new Uint8Array(size)));
      const seen = (await t.logged("seen", sizes.length)).map(({ data }) => data);
      assert.deepEqual(seen, sizes.map((size) => [size, 0, size, size]));
    },
  },
  {
    id: "M2.kept",
    fact: "a message stays valid after any await, while others come",
    site: (s) => ({
      hooks: {
        async message(_, message) {
          await new Promise((resolve) => setTimeout(resolve, 60));
          const bytes = message.uint8Array();
          s.log("kept", bytes.length, bytes.every((byte) => byte === bytes[0]), bytes[0] ?? null);
        },
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      for (let i = 0; i < 100; i++) {
        client.write(frame(BINARY, new Uint8Array(1 + i * 37 % 500).fill(i)));
      }
      const kept = (await t.logged("kept", 100)).map(({ data }) => data);
      assert.deepEqual(kept, Array.from({ length: 100 }, (_, i) => [1 + i * 37 % 500, true, i]));
    },
  },
  {
    id: "M2.fragments",
    fact: "a fragmented message is one message",
    site: (s) => ({ hooks: { message: (_, message) => s.log("message", message.text()) } }),
    async run(t) {
      const client = await t.upgraded();
      client.write(frame(TEXT, "a", { fin: false }));
      client.write(frame(9, "ping between"));
      client.write(frame(0, "b", { fin: false }));
      client.write(frame(0, "c"));
      assert.deepEqual((await t.logged("message"))[0]!.data, ["abc"]);
    },
  },
  {
    id: "M3.json",
    fact: "json() on bad JSON is a SyntaxError naming peer and size, never the content",
    site: (s) => ({
      hooks: {
        message(peer, message) {
          try {
            message.json();
          } catch (error) {
            const { name, message: text, cause } = error as Error;
            s.log("error", name, text, cause ?? null, peer.id);
          }
        },
      },
    }),
    async run(t) {
      (await t.connect()).send("my password is é");
      const [name, text, cause, id] = (await t.logged("error"))[0]!.data;
      assert.deepEqual([name, cause], ["SyntaxError", null]);
      assert.equal(text, `Cannot parse the message of peer ${id} as JSON: it has 17 bytes`);
    },
  },
];
