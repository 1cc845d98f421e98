/** Measurements of the cases of a run, by their ids. */
export const figures: Map<string, Readonly<Record<string, number>>> = new Map();

/** Keeps the measurements of a case for the record. */
export function note(caseId: string, measured: Readonly<Record<string, number>>): void {
  figures.set(caseId, measured);
}
