/** What the cases of a run have measured, by their ids. */
export const figures: Map<string, Readonly<Record<string, number>>> = new Map();

/** Keeps what a case has measured, for whoever records it. */
export function note(caseId: string, measured: Readonly<Record<string, number>>): void {
  figures.set(caseId, measured);
}
