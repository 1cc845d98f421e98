import assert from "node:assert/strict";
import { type Statement, Statements } from "../../../../sync/postgres/statements.ts";

/** Records statements, and answers each when the test wants. */
function server() {
  const executed: string[] = [];
  const answers: ((error?: unknown) => void)[] = [];
  let answered = 0;
  const statements = new Statements(({ text }) => {
    executed.push(text);
    return new Promise<void>((resolve, reject) => {
      answers.push((error) => error === undefined ? resolve() : reject(error));
    });
  }, () => answered++);
  return { executed, answers, statements, answered: () => answered };
}

const tick = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("Statements runs one statement at a time, in order", async () => {
  const { executed, answers, statements, answered } = server();
  const ended: string[] = [];
  for (const text of ["a", "b", "c"]) void statements.run({ text }).then(() => ended.push(text));
  await tick();
  assert.deepEqual(executed, ["a"]);
  answers[0]!();
  await tick();
  assert.deepEqual([executed, ended], [["a", "b"], ["a"]]);
  answers[1]!();
  await tick();
  answers[2]!();
  await tick();
  assert.deepEqual([executed, ended, answered()], [["a", "b", "c"], ["a", "b", "c"], 3]);
});

Deno.test("Statements makes a statement only when its turn has come", async () => {
  const { executed, answers, statements } = server();
  let text = "early";
  void statements.run({ text: "first" });
  void statements.run((): Statement => ({ text }));
  text = "late";
  answers[0]!();
  await tick();
  assert.deepEqual(executed, ["first", "late"]);
});

Deno.test("Statements goes on after a statement that failed, or whose client threw", async () => {
  const { executed, answers, statements, answered } = server();
  const failed = statements.run({ text: "a" }), next = statements.run({ text: "b" });
  answers[0]!(new Error("syntax"));
  await assert.rejects(failed, /syntax/);
  await tick();
  answers[1]!();
  await next;
  assert.deepEqual([executed, answered()], [["a", "b"], 1]);

  const throwing = new Statements(() => {
    throw new Error("ended");
  }, () => {});
  await assert.rejects(throwing.run({ text: "a" }), /ended/);
  await assert.rejects(throwing.run({ text: "b" }), /ended/);
});

Deno.test("Statements.close() rejects the statement without an answer, all others, and later ones", async () => {
  const { executed, answers, statements } = server();
  const all = ["a", "b", "c"].map((text) => statements.run({ text }));
  statements.close(new Error("lost"));
  for (const run of all) await assert.rejects(run, /lost/);
  await assert.rejects(statements.run({ text: "d" }), /lost/);
  answers[0]!(); // the server answers nevertheless
  await tick();
  assert.deepEqual(executed, ["a"]);
});
