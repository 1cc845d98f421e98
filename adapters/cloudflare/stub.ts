import { isLegalHost, refusalResponse, validateHandshake } from "../../handshake/handshake.ts";
import { handshakeOf } from "../../shims/workerd/upgrade.ts";
import type { DurableNamespace, DurableStub } from "../../shims/workerd/workerd.ts";

export function stubOf(
  request: Request,
  env: unknown,
  binding: string,
  instance: string | ((request: Request) => string) = "onepeer",
): DurableStub {
  const namespace = (env as Record<string, DurableNamespace | undefined>)?.[binding];
  if (typeof namespace?.idFromName !== "function") throw bindingMissing(binding);
  const name = typeof instance === "string" ? instance : instance(request);
  return namespace.get(namespace.idFromName(name) as never);
}

/** Has an object answer; refuses here what workerd 2026-11 would not get to it as it came. */
export async function forward(request: Request, stub: DurableStub): Promise<Response> {
  const isWhole = request.method === "GET" && isLegalHost(request.headers.get("host"));
  const refusal = isWhole ? undefined : validateHandshake(handshakeOf(request));
  return refusal ? refusalResponse(refusal) : await stub.fetch(request);
}

function bindingMissing(binding: string): TypeError {
  return new TypeError(
    `Cannot find the Durable Object as env.${binding} is no binding to a class of them: add to wrangler.jsonc
  "durable_objects": { "bindings": [{ "name": "${binding}", "class_name": "${binding}" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["${binding}"] }]`,
  );
}
