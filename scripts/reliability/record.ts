/** Folder of the records and charts of the page. */
export const FOLDER: URL = new URL("../../docs/reliability/", import.meta.url);

/** Records of the long runs of one kind, by the runtime or another key. */
export type Records<T> = Readonly<Record<string, T>>;

/** Reads the records of a kind; empty if there are none. */
export async function readRecords<T>(kind: string): Promise<Records<T>> {
  try {
    return JSON.parse(await Deno.readTextFile(new URL(`${kind}.json`, FOLDER)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** Stores the result of a run in `docs/reliability/`, and replaces the previous result. */
export async function record<T>(kind: string, key: string, found: T): Promise<void> {
  const records = { ...await readRecords<T>(kind), [key]: found };
  await Deno.mkdir(FOLDER, { recursive: true });
  const text = JSON.stringify(records, null, 2);
  await Deno.writeTextFile(new URL(`${kind}.json`, FOLDER), `${text}\n`);
}
