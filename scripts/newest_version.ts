/** Returns the newest of the versions that `npm view` has found: a list, or one alone. */
export function newestOf(found: string | readonly string[]): string {
  const versions = [found].flat() as string[];
  return versions.reduce((newest, version) => isNewer(version, newest) ? version : newest);
}

/** Whether a version is newer than another. Numbers count as numbers: 1.10.0 is after 1.9.0. */
export function isNewer(version: string, than: string): boolean {
  const numbers = (text: string) => text.split(/\D+/).map(Number);
  const left = numbers(version), right = numbers(than);
  const at = left.findIndex((number, i) => number !== right[i]);
  return at >= 0 && left[at]! > (right[at] ?? -1);
}
