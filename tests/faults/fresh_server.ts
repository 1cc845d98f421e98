import { CaseClient } from "../harness/clients/case_client.ts";
import { ServerProcess } from "../harness/processes/server_process.ts";

/** A second server half in a separate process, whose resources belong to one case alone. */
export class FreshServer implements AsyncDisposable {
  readonly client: CaseClient;

  private constructor(client: CaseClient) {
    this.client = client;
  }

  static async start(client: CaseClient, caseId: string): Promise<FreshServer> {
    const process = await ServerProcess.start(client.server.command);
    const freshClient = new CaseClient(process, `${caseId}-fresh`);
    await freshClient.open(caseId);
    return new FreshServer(freshClient);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.server.stop();
  }
}
