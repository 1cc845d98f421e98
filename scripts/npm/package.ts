import repository from "../../package.json" with { type: "json" };
import { run } from "./command.ts";
import { NPM_NAME, ROOT } from "./config.ts";
import { emit, renamed } from "./emit.ts";
import { DIST, type Manifest, manifest } from "./manifest.ts";

const devDependencies: Readonly<Record<string, string>> = repository.devDependencies;

/** The report of `npm pack`. */
interface PackReport {
  readonly filename: string;
  /** Bytes of the tarball. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly integrity: string;
  readonly files: readonly { readonly path: string }[];
}

/**
 * The package in the published form: a folder, and its tarball. On demand, creates projects in which
 * the package is installed. Disposal deletes the tarball and the projects.
 */
export class NpmPackage implements AsyncDisposable {
  readonly folder: URL;
  readonly manifest: Manifest;
  readonly report: PackReport;
  readonly #work: URL;
  #bare: Promise<URL> | undefined;
  #full: Promise<URL> | undefined;

  private constructor(folder: URL, manifest: Manifest, report: PackReport, work: URL) {
    this.folder = folder;
    this.manifest = manifest;
    this.report = report;
    this.#work = work;
  }

  /** Builds the package in a folder, or in a temporary one, and packs it. */
  static async build(folder?: URL): Promise<NpmPackage> {
    const work = new URL(`file://${await Deno.makeTempDir({ prefix: `${NPM_NAME}-` })}/`);
    try {
      const out = folder ?? new URL("package/", work);
      const manifest = await write(out);
      const packed = await run("npm", ["pack", "--json", "--pack-destination", work.pathname], {
        cwd: out,
      });
      // An array up to npm 11, and an object by name in later versions.
      const [report] = Object.values(JSON.parse(packed)) as [PackReport];
      return new NpmPackage(out, manifest, report, work);
    } catch (error) {
      await Deno.remove(work, { recursive: true });
      throw error;
    }
  }

  /** The tarball's path. */
  get tarball(): string {
    return new URL(this.report.filename, this.#work).pathname;
  }

  /** Import specifiers of the entry points. */
  get specifiers(): string[] {
    return Object.keys(this.manifest.exports).filter((entry) => !entry.endsWith(".json"))
      .map((entry) => NPM_NAME + entry.slice(1));
  }

  /** A project with only this package installed. */
  project(): Promise<URL> {
    return this.#bare ??= this.#install(new URL("bare/", this.#work), []);
  }

  /** Optional peers in {@linkcode projectWithPeers}. */
  readonly installedPeers: readonly string[] = ["srvx"];

  /** A project with optional peers, and the types of Node. */
  projectWithPeers(): Promise<URL> {
    return this.#full ??= this.#install(
      new URL("full/", this.#work),
      // The versions in the tests of this repository.
      [...this.installedPeers, "@types/node"].map((name) => `${name}@${devDependencies[name]}`),
    );
  }

  async #install(project: URL, others: readonly string[]): Promise<URL> {
    await Deno.mkdir(project);
    await Deno.writeTextFile(new URL("package.json", project), '{ "type": "module" }');
    const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
    await run("npm", ["install", ...quiet, this.tarball, ...others], { cwd: project });
    return project;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#work, { recursive: true });
  }
}

async function write(out: URL): Promise<Manifest> {
  await Deno.remove(out, { recursive: true }).catch(() => {});
  await Deno.mkdir(out);
  await emit(new URL(`${DIST}/`, out));
  const readme = await Deno.readTextFile(new URL("README.md", ROOT));
  const content = manifest(summary(readme));
  await Deno.writeTextFile(new URL("package.json", out), `${JSON.stringify(content, null, 2)}\n`);
  await Deno.writeTextFile(new URL("README.md", out), renamed(unlinked(readme)));
  await Deno.copyFile(new URL("LICENSE", ROOT), new URL("LICENSE", out));
  return content;
}

/** Returns the first sentence of the README, as plain text. */
function summary(readme: string): string {
  const [, sentence] = /^([A-Z][^]*?)\.\s/m.exec(readme)!; // a dot in a file's name ends no sentence
  return sentence!.replaceAll(/[*`]/g, "").replaceAll(/\s+/g, " ");
}

/** Replaces links into the repository by their text, because npm cannot resolve them. */
function unlinked(readme: string): string {
  return readme.replaceAll(/\[([^\]]+)\]\((?!https?:)[^)]+\)/g, "$1");
}
