import assert from "node:assert/strict";
import { RunningRequests } from "../../../server/running_requests.ts";

Deno.test("RunningRequests waits for responses, and refuses later requests with 503", async () => {
  const requests = new RunningRequests(), answers = [Promise.withResolvers<Response>()];
  answers.push(Promise.withResolvers<Response>());
  let asked = 0;
  const handler = requests.counting(() => answers[asked++]!.promise);
  const request = new Request("http://localhost/");
  void handler(request, undefined);
  const second = handler(request, undefined);
  const events: string[] = [];
  const answered = requests.answered().then(() => events.push("answered"));
  assert.equal((await handler(request, undefined)).status, 503);
  answers[1]!.reject(new Error("fetch fails"));
  await assert.rejects(async () => await second);
  events.push("answers");
  answers[0]!.resolve(new Response("late"));
  await answered;
  assert.deepEqual(events, ["answers", "answered"]);
  assert.equal(asked, 2);
});

Deno.test("RunningRequests waits for no request that has been answered long ago", async () => {
  await new RunningRequests().answered();
});
