import { TestBed } from "../harness/clients/test_bed.ts";
import { ServerProcess } from "../harness/processes/server_process.ts";

/** The server half of a case once more, in a process of its own: what it holds is this case's. */
export class FreshServer implements AsyncDisposable {
  readonly bed: TestBed;

  private constructor(bed: TestBed) {
    this.bed = bed;
  }

  static async start(t: TestBed, caseId: string): Promise<FreshServer> {
    const process = await ServerProcess.start(t.server.command);
    const bed = new TestBed(process, `${caseId}-fresh`);
    await bed.open(caseId);
    return new FreshServer(bed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bed.server.stop();
  }
}
