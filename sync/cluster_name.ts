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
  checkNames(options, ["channel", "prefix", ...known]);
  const { channel, prefix } = options as { readonly channel?: unknown; readonly prefix?: unknown };
  if (channel !== undefined && prefix !== undefined) {
    throw new TypeError("Cannot use channel and prefix together as both name the cluster");
  }
  const name = channel ?? prefix;
  if (typeof name === "string" && name !== "") return name;
  const option = prefix === undefined ? "channel" : "prefix";
  throw new TypeError(invalidOption(option, "a string that is not empty", name));
}
