/** Where searches stand, in a file that is whole whenever the program is killed. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileFailure, wrongUse } from '../failure.ts';
import { writeOutputFile } from '../output_file.ts';
import type { SavedSearch, SearchResult } from './job.ts';

const FORMAT = 'ptshare checkpoint';

interface Content {
  readonly format: typeof FORMAT;
  readonly version: 3;
  /** Of what was searched, and how: only the same is gone on with. */
  readonly of: string;
  readonly saved: Readonly<Record<string, SavedSearch>>;
  readonly results: Readonly<Record<string, SearchResult>>;
}

export class CheckpointFile {
  readonly #path: string;
  readonly #of: string;
  readonly #saved = new Map<string, SavedSearch>();
  readonly #results = new Map<string, SearchResult>();
  #writing: Promise<void> = Promise.resolve();
  #isWaiting = false;

  /**
   * @param of what makes a search this search
   * @throws Failure if the file is of another one, or none of ours
   */
  static async open(path: string, of: readonly unknown[]): Promise<CheckpointFile> {
    const file = new CheckpointFile(path, of);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw fileFailure(`read ${path}`, error, 'Name a file that can be read and written');
    });
    if (text !== undefined) file.#take(text);
    return file;
  }

  private constructor(path: string, of: readonly unknown[]) {
    this.#path = path;
    this.#of = createHash('sha256').update(JSON.stringify(of)).digest('hex');
  }

  #take(text: string): void {
    const { of, saved, results } = this.#parse(text);
    if (of !== this.#of) {
      throw wrongUse(
        `${this.#path} is of another search, or of another version of ptshare`,
        'Name another file, or remove it to begin anew',
      );
    }
    for (const [name, search] of Object.entries(saved)) this.#saved.set(name, search);
    for (const [name, result] of Object.entries(results)) this.#results.set(name, result);
  }

  #parse(text: string): Content {
    try {
      const content = JSON.parse(text) as Content;
      if (content.format === FORMAT && content.version === 3) return content;
    } catch {
      // No JSON: said below.
    }
    throw wrongUse(`${this.#path} is no checkpoint`, 'Name another file');
  }

  savedOf(name: string): SavedSearch | undefined {
    return this.#saved.get(name);
  }

  resultOf(name: string): SearchResult | undefined {
    return this.#results.get(name);
  }

  save(name: string, saved: SavedSearch): void {
    this.#saved.set(name, saved);
    this.#write();
  }

  /** A search that was stopped is gone on with the next time. */
  finish(name: string, result: SearchResult): void {
    const { saved } = result;
    if (saved !== undefined) {
      this.#saved.set(name, saved);
    } else if (result.stoppedBy === undefined) {
      this.#saved.delete(name);
      this.#results.set(name, result);
    }
    this.#write();
  }

  /** @throws Failure if the file could not be written */
  async close(): Promise<void> {
    await this.#writing;
  }

  /** One write at a time; what comes meanwhile goes into the next one. */
  #write(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#writing = this.#writing.then(() => {
      this.#isWaiting = false;
      return writeOutputFile(this.#path, JSON.stringify(this.#content()));
    });
    // Reported by `close()`.
    this.#writing.catch(() => {});
  }

  #content(): Content {
    return {
      format: FORMAT,
      version: 3,
      of: this.#of,
      saved: Object.fromEntries(this.#saved),
      results: Object.fromEntries(this.#results),
    };
  }
}
