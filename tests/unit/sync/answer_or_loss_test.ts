import assert from "node:assert/strict";
import { answerOrLoss } from "../../../sync/answer_or_loss.ts";

/** Promise of a loss that counts its callbacks, also those of `await` and `Promise.race`. */
class Loss extends Promise<void> {
  callbacks = 0;

  override then<A, B>(
    ...callbacks: [((_: void) => A | PromiseLike<A>)?, ((_: unknown) => B | PromiseLike<B>)?]
  ): Promise<A | B> {
    this.callbacks++;
    return super.then(...callbacks);
  }
}

function loss(): { readonly lost: Promise<never> & Loss; lose(error: unknown): void } {
  let lose!: (error: unknown) => void;
  const lost = new Loss((_, reject) => lose = reject);
  return { lost: lost as Loss & Promise<never>, lose };
}

Deno.test("answerOrLoss() occupies no memory after the answer: all calls share one callback", async () => {
  const { lost } = loss();
  for (let i = 0; i < 1000; i++) await answerOrLoss(Promise.resolve(), lost);
  assert.equal(lost.callbacks, 1);
});

Deno.test("answerOrLoss() rejects if the server refuses, and all waiting calls at the loss", async () => {
  const { lost, lose } = loss(), refused = new Error("refused"), reset = new Error("reset");
  await assert.rejects(answerOrLoss(Promise.reject(refused), lost), refused);
  const calls = Array.from({ length: 3 }, () => answerOrLoss(new Promise(() => {}), lost));
  lose(reset);
  for (const call of calls) await assert.rejects(call, reset);
  await assert.rejects(answerOrLoss(new Promise(() => {}), lost), reset);
});
