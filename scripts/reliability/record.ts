/** Where the page keeps what it shows. */
export const FOLDER: URL = new URL("../../docs/reliability/", import.meta.url);

/** What the long runs of one kind found: by runtime, or whatever else they are told apart by. */
export type Records<T> = Readonly<Record<string, T>>;

/** Reads what the last runs of a kind found; nothing where there was none. */
export async function readRecords<T>(kind: string): Promise<Records<T>> {
  try {
    return JSON.parse(await Deno.readTextFile(new URL(`${kind}.json`, FOLDER)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** Keeps what a run found in `docs/reliability/`, in place of what its last run found. */
export async function record<T>(kind: string, key: string, found: T): Promise<void> {
  const records = { ...await readRecords<T>(kind), [key]: found };
  await Deno.mkdir(FOLDER, { recursive: true });
  const text = JSON.stringify(records, null, 2);
  await Deno.writeTextFile(new URL(`${kind}.json`, FOLDER), `${text}\n`);
}
