import { invalidOption } from "../common/errors.ts";
import { checkNames } from "../common/option_names.ts";

/** Options of the drivers that need only a name: `channel` and `prefix` are the same option. */
export type ClusterName = {
  /** Name of the cluster. Endpoints with the same name hear each other. */
  readonly channel: string;
  /** Not together with `channel`. */
  readonly prefix?: never;
} | {
  /** Not together with `prefix`. */
  readonly channel?: never;
  /** Name of the cluster. Endpoints with the same name hear each other. */
  readonly prefix: string;
};

/**
 * Returns the name of a cluster.
 *
 * @param known names of further options.
 * @throws {TypeError} for an unknown option, and for a name that is missing, empty or given twice.
 */
export function clusterName(options: ClusterName, known: readonly string[] = []): string {
  const given: unknown = options;
  // `sync: redis`, without the call: the endpoint calls the function with the id of its node.
  if (isRecord(given) && Object.keys(given).join() === "id") {
    throw new TypeError(
      "Cannot use this function as the option sync: call it with its options, and pass the result",
    );
  }
  if (isRecord(given) && typeof given["duplicate"] === "function") {
    throw new TypeError("Cannot use a client in the place of the options: pass { client, prefix }");
  }
  checkNames(options, ["channel", "prefix", ...known]);
  const { channel, prefix } = options as { readonly channel?: unknown; readonly prefix?: unknown };
  if (channel !== undefined && prefix !== undefined) {
    throw new TypeError("Cannot use channel and prefix together as both name the cluster");
  }
  const name = channel ?? prefix;
  if (typeof name === "string" && name !== "") return name;
  const option = prefix !== undefined ? "prefix" : channel !== undefined ? "channel" : undefined;
  throw new TypeError(
    invalidOption(option ?? "prefix (or channel)", "a string that is not empty", name),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
