import process from "node:process";

/** Failures that no server may have, collected in the process under test. */
export interface ProcessFailures {
  /** Unhandled rejections and uncaught exceptions. */
  readonly unhandled: string[];
  /** Lines of the console and warnings of Node that no failing hook explains. */
  readonly complaints: string[];
}

const KEPT = 20;
/** Messages of the library about hooks that fail on purpose. */
const EXPECTED =
  /^onepeer: (?:the \w+ hook failed, and there is no error hook|the error hook itself failed|\w+ refused|refused)/;

let found: ProcessFailures | undefined;

/** Returns the failures of the process, recorded since the first call. */
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
  // On Deno these events come first, and end the process unless a listener prevents the default.
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
