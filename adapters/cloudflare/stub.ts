import { isLegalHost, refusalResponse, validateHandshake } from "../../handshake/handshake.ts";
import { RawHandshake } from "../../handshake/raw_handshake.ts";
import { readRequest } from "../../shims/workerd/upgrade.ts";
import type { DurableNamespace, DurableStub } from "../../shims/workerd/workerd.ts";

/** Name of the binding that crossws uses if the options name none. */
const DEFAULT_BINDING = "$DurableObject";

/** Returns the name of the default binding, if `env` has this binding. */
export function defaultBinding(env: unknown): string | undefined {
  return Object(env)[DEFAULT_BINDING] ? DEFAULT_BINDING : undefined;
}

/**
 * Returns the stub of the Durable Object that serves a request.
 *
 * @throws {TypeError} if `env` has no such binding.
 */
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

/**
 * Forwards a request to a Durable Object, and returns the object's response.
 *
 * On the way, workerd 2026-11 changes requests with another method than GET or an illegal `Host`. So
 * this function refuses such requests itself.
 */
export async function forward(request: Request, stub: DurableStub): Promise<Response> {
  const isWhole = request.method === "GET" && isLegalHost(request.headers.get("host"));
  const refusal = isWhole ? undefined : validateHandshake(new RawHandshake(readRequest(request)));
  return refusal ? refusalResponse(refusal) : await stub.fetch(request);
}

function bindingMissing(binding: string): TypeError {
  return new TypeError(
    `Cannot find the Durable Object as env.${binding} is no binding to a class of Durable Objects: add to wrangler.jsonc
  "durable_objects": { "bindings": [{ "name": "${binding}", "class_name": "${binding}" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["${binding}"] }]`,
  );
}
