/** Methods by which Node, Bun and Deno ask an object for its printed form. */
const HOOKS = [Symbol.for("nodejs.util.inspect.custom"), Symbol.for("Deno.customInspect")];

/** Makes `console.log` print each instance of a class as one short line, on every runtime. */
export function inspectAs<T extends object>(prototype: T, describe: (self: T) => string): void {
  for (const hook of HOOKS) {
    Object.defineProperty(prototype, hook, {
      value(this: T): string {
        // The prototype can be inspected too, but has no private fields.
        return this === prototype ? "[prototype]" : describe(this);
      },
    });
  }
}
