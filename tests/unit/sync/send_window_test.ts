import assert from "node:assert/strict";
import { SendWindow } from "../../../sync/redis/send_window.ts";

const KIB = 1024;
const turn = () => new Promise<void>((go) => setTimeout(go));

/** A window whose commands a test answers by hand. */
class Fixture {
  readonly window: SendWindow = new SendWindow();
  readonly sent: string[] = [];
  readonly answers = new Map<string, (error?: Error) => void>();
  readonly settled: string[] = [];

  run(name: string, bytes: number): void {
    const send = () => {
      this.sent.push(name);
      return new Promise<void>((resolve, reject) => {
        this.answers.set(name, (error) => error ? reject(error) : resolve());
      });
    };
    this.window.run(bytes, send).then(
      () => this.settled.push(name),
      (error) => this.settled.push(`${name}: ${(error as Error).message}`),
    );
  }
}

Deno.test("SendWindow sends in order, and at most 512 KiB before the answer", async () => {
  const fixture = new Fixture();
  for (const name of ["a", "b", "c", "d"]) fixture.run(name, 256 * KIB);
  fixture.run("small", 1);
  assert.deepEqual(fixture.sent, ["a", "b"]);
  fixture.answers.get("b")!();
  await turn();
  assert.deepEqual([fixture.sent, fixture.settled], [["a", "b", "c"], ["b"]]);
  fixture.answers.get("a")!();
  fixture.answers.get("c")!();
  await turn();
  assert.deepEqual(fixture.sent, ["a", "b", "c", "d", "small"]);
});

Deno.test("SendWindow sends small commands at once", () => {
  const fixture = new Fixture();
  for (let i = 0; i < 1000; i++) fixture.run(`${i}`, 100);
  assert.equal(fixture.sent.length, 1000);
});

Deno.test("SendWindow sends a command over 512 KiB alone", async () => {
  const fixture = new Fixture();
  fixture.run("first", 1);
  fixture.run("large", 10_000 * KIB);
  fixture.run("last", 1);
  assert.deepEqual(fixture.sent, ["first"]);
  fixture.answers.get("first")!();
  await turn();
  assert.deepEqual(fixture.sent, ["first", "large"]);
  fixture.answers.get("large")!();
  await turn();
  assert.deepEqual(fixture.sent, ["first", "large", "last"]);
});

Deno.test("SendWindow goes on after a command that fails, or throws at the call", async () => {
  const fixture = new Fixture();
  fixture.run("refused", 512 * KIB);
  const thrown = fixture.window.run(1, () => {
    throw new Error("thrown");
  });
  thrown.catch(() => {});
  fixture.run("next", 1);
  fixture.answers.get("refused")!(new Error("no permission"));
  await assert.rejects(thrown, /thrown/);
  assert.deepEqual(fixture.sent, ["refused", "next"]);
  assert.deepEqual(fixture.settled, ["refused: no permission"]);
});

Deno.test("SendWindow.close() rejects what is not sent, also later", async () => {
  const fixture = new Fixture();
  fixture.run("sent", 512 * KIB);
  fixture.run("waiting", 1);
  fixture.window.close(new Error("ended"));
  fixture.run("later", 1);
  fixture.answers.get("sent")!();
  await turn();
  assert.deepEqual(fixture.sent, ["sent"]);
  assert.deepEqual(fixture.settled.toSorted(), ["later: ended", "sent", "waiting: ended"]);
});
