import process from "node:process";

/** What no server may come to, counted in the process under test. */
export interface ProcessFailures {
  /** Rejections nobody handled, and exceptions nobody caught. */
  readonly unhandled: string[];
  /** What the console and Node's warnings said that no hook's failure explains. */
  readonly complaints: string[];
}

const KEPT = 20;
/** What the library says of hooks that were to fail. */
const EXPECTED =
  /^onepeer: (?:the \w+ hook failed, and there is no error hook|the error hook failed itself|\w+ refused|refused)/;

let found: ProcessFailures | undefined;

/** Watches the whole process, from the first call on. */
export function processFailures(): ProcessFailures {
  if (found) return found;
  const failures: ProcessFailures = found = { unhandled: [], complaints: [] };
  const keep = (list: string[], what: string) => {
    if (list.length < KEPT) list.push(what);
  };
  process.on("unhandledRejection", (reason) => keep(failures.unhandled, textOf(reason)));
  process.on("uncaughtException", (error) => keep(failures.unhandled, textOf(error)));
  process.on("warning", (warning) => {
    if (warning.name !== "ExperimentalWarning") keep(failures.complaints, textOf(warning));
  });
  // On Deno these come first, and end the process unless they are prevented.
  const { addEventListener } = globalThis as {
    addEventListener?: (name: string, listener: (event: Event) => void) => void;
  };
  for (const name of ["unhandledrejection", "error"]) {
    addEventListener?.(name, (event) => {
      event.preventDefault();
      const { reason, error } = event as PromiseRejectionEvent & ErrorEvent;
      keep(failures.unhandled, textOf(reason ?? error));
    });
  }
  console.error = (...args: unknown[]) => {
    const text = args.map((arg) => arg instanceof Error ? textOf(arg) : String(arg)).join(" ");
    if (!EXPECTED.test(text)) keep(failures.complaints, text);
  };
  return failures;
}

function textOf(value: unknown): string {
  return value instanceof Error ? value.stack ?? `${value.name}: ${value.message}` : String(value);
}
