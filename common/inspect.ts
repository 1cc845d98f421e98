/** Where Node and Bun, and where Deno, look for an object's own printed form. */
const HOOKS = [Symbol.for("nodejs.util.inspect.custom"), Symbol.for("Deno.customInspect")];

/** Makes `console.log` print instances of a class in one short line, on every runtime. */
export function inspectAs<T extends object>(prototype: T, describe: (self: T) => string): void {
  for (const hook of HOOKS) {
    Object.defineProperty(prototype, hook, {
      value(this: T): string {
        // The prototype itself is inspected too, and has no fields.
        return this === prototype ? "[prototype]" : describe(this);
      },
    });
  }
}
