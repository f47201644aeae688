/** What a user reads when a file of a dataset cannot be used: where, what, and how to mend it. */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
  /** Where in the file, for instance `row 7, column "name"`. */
  readonly place: string;

  constructor(place: string, what: string, mend = 'Remove the file, or copy it again') {
    super(`Invalid dataset file: ${place}: ${what}. ${mend}`);
    this.place = place;
  }
}
